"""`portal web` and `portal worker`: one process each, for a process manager of your own."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import click

from portal.cli.options import data_dir_option, settings_for
from portal.foundation.settings import Settings


@click.command("web")
@click.option("--host", help="Address to listen on (PORTAL_HOST; default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (PORTAL_PORT; default 8000).")
@click.option("--fd", type=int, hidden=True, help="A bound socket that the supervisor hands down.")
@data_dir_option
def web(host: str | None, port: int | None, fd: int | None, data_dir: Path | None) -> None:
    """Serve pages, JSON and live connections. PORTAL_WEB_WORKERS processes share one address."""
    from portal.foundation.server import listen, run
    from portal.ops.up import web_crew

    settings = settings_for(data_dir, host=host, port=port)
    bound = socket.socket(fileno=fd) if fd is not None else listen(settings.host, settings.port)
    alone = fd is not None or settings.web_workers == 1
    run(lambda: _web(settings, bound) if alone else web_crew(settings, bound))


@click.command("worker")
@data_dir_option
def worker(data_dir: Path | None) -> None:
    """Run syncs, schedules and webhook deliveries until stopped; work that was under way is taken up again."""
    from portal.foundation.server import run

    run(lambda: _worker(settings_for(data_dir)))


async def _web(settings: Settings, bound: socket.socket) -> None:
    from portal.app import create_app
    from portal.compose import close_runtime, open_runtime
    from portal.foundation.server import serve
    from portal.ops.installation import opened

    stop = _stopped()
    async with opened(settings) as installation:
        runtime = await open_runtime(installation.settings)
        try:
            await serve(create_app(runtime), installation.settings, bound, stop)
        finally:
            await close_runtime(runtime)


async def _worker(settings: Settings) -> None:
    from portal.compose import close_runtime, open_runtime
    from portal.ops.heartbeat import beating
    from portal.ops.installation import opened
    from portal.rates import worker as rates
    from portal.sync.worker import work
    from portal.uploads import worker as uploads

    stop = _stopped()
    async with opened(settings) as installation:
        runtime = await open_runtime(installation.settings)
        try:
            async with beating(runtime):
                # Should one end by an error, the process ends with it, and its manager starts it anew.
                await asyncio.gather(
                    work(runtime, stop=stop), uploads.work(runtime, stop=stop), rates.work(runtime, stop=stop)
                )
        finally:
            await close_runtime(runtime)


def _stopped() -> asyncio.Event:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    return stop
