"""`portal up`: everything on one machine by one command."""

from __future__ import annotations

from pathlib import Path

import click

from portal.cli.options import data_dir_option, run, settings_for


@click.command("up")
@click.option("--demo", is_flag=True, help="With demo organizations, logins and sandbox stores.")
@click.option("--host", help="Address to listen on (PORTAL_HOST; default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (PORTAL_PORT; default 8000).")
@data_dir_option
def up(demo: bool, host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Start servers, migrations, web and worker. One Ctrl-C stops all in order, a second one at once.

    Prints `ready <url>` when the portal answers. Private PostgreSQL and Valkey run under the data folder unless
    DATABASE_URL and REDIS_URL name servers of yours.
    """
    from portal.ops.up import up as start

    run(start(settings_for(data_dir, host=host, port=port, demo=demo or None)))
