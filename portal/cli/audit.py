"""`portal audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from portal.cli.opened import opened_runtime
from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.errors import StartupError
from portal.foundation.settings import Settings


@click.group("audit")
def audit() -> None:
    """The audit trail: append-only and hash-chained."""


@audit.command("verify")
@click.option(
    "--witness",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file kept elsewhere: each chain must still hold the end noted in it; then the present ends are noted.",
)
@data_dir_option
def verify(witness: Path | None, data_dir: Path | None) -> None:
    """Walk every chain; exit code 1 when an entry was changed, removed or put in.

    A chain cannot tell by itself that its very end was cut off: that takes a --witness.
    """
    breaks = run(_verify(settings_for(data_dir), witness))
    for found in breaks:
        click.echo(f"broken: chain {found.chain}, entry {found.seq}: {found.reason}")
    if breaks:
        raise click.exceptions.Exit(1)
    click.echo("every chain is whole")


async def _verify(settings: Settings, witness: Path | None) -> list[Any]:
    from portal.audit import trail

    async with opened_runtime(settings) as runtime:
        breaks = await trail.verify(runtime.database)
        if witness is not None:
            breaks += await trail.against(runtime.database, _noted(witness))
            if not breaks:
                _note(witness, await trail.heads(runtime.database))
        return breaks


def _noted(witness: Path) -> dict[str, tuple[int, str]]:
    """The ends noted in the file; none when there is no file yet. Raises `StartupError` for another file."""
    try:
        return msgspec.json.decode(witness.read_bytes(), type=dict[str, tuple[int, str]])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise StartupError(f"{witness} is no witness of an audit trail that can be read: name another file.") from error


def _note(witness: Path, heads: dict[str, tuple[int, str]]) -> None:
    try:
        witness.write_bytes(msgspec.json.format(msgspec.json.encode(heads)) + b"\n")
    except OSError as error:
        raise StartupError(f"{witness} cannot be written ({error.strerror}): name another file.") from error
