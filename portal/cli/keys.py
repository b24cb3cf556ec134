"""`portal keys`: the master keys that stored credentials are encrypted under."""

from __future__ import annotations

from pathlib import Path

import click

from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.settings import Settings


@click.group("keys")
def keys() -> None:
    """Master keys. PORTAL_MASTER_KEYS holds them, the first one encrypts, the others still decrypt."""


@keys.command("generate")
@data_dir_option
def generate(data_dir: Path | None) -> None:
    """Print a new key. Keep it where backups of the database are not."""
    from portal.ops.installation import new_key

    click.echo(new_key())


@keys.command("rotate")
@data_dir_option
def rotate(data_dir: Path | None) -> None:
    """Put every organization's data key under the first master key, so that the older ones can be removed."""
    click.echo(f"{run(_rotate(settings_for(data_dir)))} data keys now stand under the first master key")


async def _rotate(settings: Settings) -> int:
    from portal.ops.installation import opened
    from portal.ops.keys import rewrap

    async with opened(settings) as installation:
        return await rewrap(installation.settings)
