"""`portal dbshell`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.errors import StartupError
from portal.foundation.settings import Settings


@click.command("dbshell", context_settings={"ignore_unknown_options": True})
@click.option("--owner", is_flag=True, help="As the role that owns the tables: sees and may change everything.")
@data_dir_option
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
def dbshell(owner: bool, data_dir: Path | None, psql_arguments: tuple[str, ...]) -> None:
    """Open psql as the portal's own role (tenant rows need `SET app.org_id`). Further arguments go to psql."""
    raise click.exceptions.Exit(run(_psql(settings_for(data_dir), owner, psql_arguments)))


async def _psql(settings: Settings, owner: bool, arguments: tuple[str, ...]) -> int:
    from portal.foundation.roles import access
    from portal.ops.installation import opened

    program = _program()
    async with opened(settings) as installation:
        way = await access(installation.settings)
        parts = urlsplit(way.owner_url if owner else way.url)
        # A password in the argument list could be read by every user of the machine.
        environ = {**os.environ, "PGPASSWORD": unquote(parts.password or "")}
        user = f"{parts.username}@" if parts.username else ""
        url = parts._replace(netloc=user + parts.netloc.rpartition("@")[2]).geturl()
        # Ctrl-C belongs to psql while it runs.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        done = await asyncio.to_thread(
            subprocess.run, [program, url, *arguments], env=environ, check=False, restore_signals=True
        )
        return done.returncode


def _program() -> str:
    from portal.foundation.embedded.binaries import postgres_program

    try:
        return str(postgres_program("psql"))
    except StartupError:
        found = shutil.which("psql")
        if found is None:
            raise StartupError("psql is neither in the installed packages nor on PATH: install it.") from None
        return found
