"""`portal token`."""

from __future__ import annotations

from pathlib import Path

import click

from portal.cli.opened import opened_runtime
from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.settings import Settings


@click.command("token")
@click.option("--email", required=True, help="Whose token.")
@click.option("--org", help="An organization's id or exact name; default: the user's first one.")
@data_dir_option
def token(email: str, org: str | None, data_dir: Path | None) -> None:
    """Print an access token for scripts. It lives PORTAL_ACCESS_TOKEN_MINUTES and ends when its user signs out everywhere."""
    click.echo(run(_token(settings_for(data_dir), email, org)))


async def _token(settings: Settings, email: str, org: str | None) -> str:
    from portal.cli.user import find_organization
    from portal.ops.tokens import issue_for
    from portal.tenancy.scope import platform

    async with opened_runtime(settings) as runtime, platform(runtime.database, "portal token") as scope:
        org_id = await find_organization(scope, org) if org else None
        return await issue_for(runtime, scope, email, org_id)
