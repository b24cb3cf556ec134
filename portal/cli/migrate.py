"""`portal migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.settings import Settings


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 when migrations are missing.")
@data_dir_option
def migrate(check: bool, data_dir: Path | None) -> None:
    """Make the roles and run the migrations that are missing. Safe to run again, from several machines at once."""
    names = run(_migrate(settings_for(data_dir), check))
    for name in names:
        click.echo(f"{'missing' if check else 'ran'} {name}")
    if not names:
        click.echo("up to date")
    if check and names:
        raise click.exceptions.Exit(1)


async def _migrate(settings: Settings, check: bool) -> list[str]:
    from portal.foundation.migrate import missing
    from portal.foundation.roles import access
    from portal.ops.installation import migrated, opened

    async with opened(settings) as installation:
        if check:
            return await missing((await access(installation.settings)).owner_url)
        return (await migrated(installation.settings))[1]
