"""`portal audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.settings import Settings


@click.group("audit")
def audit() -> None:
    """The audit trail: append-only and hash-chained."""


@audit.command("verify")
@data_dir_option
def verify(data_dir: Path | None) -> None:
    """Walk every chain; exit code 1 when an entry was changed, removed or put in."""
    breaks = run(_verify(settings_for(data_dir)))
    for found in breaks:
        click.echo(f"broken: {found}")
    if breaks:
        raise click.exceptions.Exit(1)
    click.echo("every chain is whole")


async def _verify(settings: Settings) -> list[Any]:
    from portal.audit.trail import verify as walk
    from portal.compose import close_runtime, open_runtime
    from portal.ops.installation import opened

    async with opened(settings) as installation:
        runtime = await open_runtime(installation.settings)
        try:
            return list(await walk(runtime.database))
        finally:
            await close_runtime(runtime)
