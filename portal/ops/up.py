"""`portal up`: servers, migrations, demo, worker and web under one supervisor."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import click
import structlog

from portal.foundation import metrics
from portal.foundation.errors import StartupError
from portal.foundation.server import listen
from portal.foundation.settings import Settings
from portal.ops import record
from portal.ops.crew import Crew, Member
from portal.ops.environment import environment_of
from portal.ops.installation import Installation, migrated, opened

_log = structlog.get_logger("portal.up")
_READY_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 2.0


@dataclass
class Stopping:
    """The first SIGINT or SIGTERM sets `asked`; the second calls what `force` is then."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    force: Callable[[], None] = lambda: None

    def listen(self) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(sign, self._signalled)

    def _signalled(self) -> None:
        if self.asked.is_set():
            self.force()
        else:
            click.echo("stopping (Ctrl-C again: at once)", err=True)
            self.asked.set()


async def up(settings: Settings) -> None:
    """Run everything until asked to stop. Raises `StartupError` with what to do when something cannot start."""
    stopping = Stopping()
    stopping.listen()
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    if not settings.public_url and settings.host in {"0.0.0.0", "::"}:  # noqa: S104 - the person asked for it
        settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{settings.port}"})
    record.end_leftovers(settings.data_dir)
    bound = _listen(settings)
    try:
        async with opened(settings) as installation:
            if installation.record is not None and installation.servers is None:
                raise StartupError(_taken(settings))
            await _serve(installation, bound, stopping)
    finally:
        bound.close()


async def web_crew(settings: Settings, bound: socket.socket) -> None:
    """`portal web` with several processes on one socket."""
    stopping = Stopping()
    stopping.listen()
    _prepare_metrics(settings)
    crew = Crew(lambda name, pid: None)
    stopping.force = crew.force
    try:
        await _start_web(crew, settings, bound)
        await _until(stopping, crew)
    finally:
        await crew.stop()


async def _serve(installation: Installation, bound: socket.socket, stopping: Stopping) -> None:
    settings, applied = await migrated(installation.settings)
    for name in applied:
        _log.info("migrated", migration=name)
    _prepare_metrics(settings)
    crew = Crew(_remember(installation, settings))
    stopping.force = crew.force
    watch = asyncio.create_task(_watch_servers(installation))
    try:
        logins: list[str] = []
        demo = None
        if settings.demo:
            from portal.ops.demo import Demo

            demo = Demo(settings, crew)
            settings = await demo.prepare()
        # The web first: a store that the worker registers webhooks with asks their address at once.
        await _start_web(crew, settings, bound)
        if not await _first(_ready(settings), stopping, crew):
            return
        environ = environment_of(settings)
        await crew.start(Member(name="worker", arguments=["worker"], environ=environ, patience=20, stops=1))
        if demo is not None:
            if not await _first(demo.filled(stopping.asked), stopping, crew):
                return
            logins = demo.finish()
        if installation.record is not None:
            installation.record.url = settings.base_url
            installation.record.save(settings.data_dir)
        click.echo("\n".join([f"ready {settings.base_url}", *logins]))
        await _until(stopping, crew)
    finally:
        watch.cancel()
        await crew.stop()


async def _start_web(crew: Crew, settings: Settings, bound: socket.socket) -> None:
    for number in range(1, settings.web_workers + 1):
        name = "web" if settings.web_workers == 1 else f"web-{number}"
        await crew.start(
            Member(
                name=name,
                arguments=["web", "--fd", str(bound.fileno())],
                environ=environment_of(settings),
                pass_fds=[bound.fileno()],
            )
        )


async def _first(work: Coroutine[Any, Any, Any], stopping: Stopping, crew: Crew) -> bool:
    """Whether the work was done before a stop was asked for. Raises what the work or a failed process raises."""
    doing = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stopping.asked.wait())
    await asyncio.wait({doing, asked, crew.failed}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if crew.failed.done():
        doing.cancel()
        await crew.failed
    if not doing.done():
        doing.cancel()
        return False
    doing.result()
    return True


async def _until(stopping: Stopping, crew: Crew) -> None:
    await _first(asyncio.Event().wait(), stopping, crew)


async def _ready(settings: Settings) -> None:
    """Until /readyz answers 200. Raises `StartupError` after a minute, with what it said last."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/readyz"
    said, until = "no answer", time.monotonic() + _READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while time.monotonic() < until:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
                    said = f"{answer.status}: {(await answer.text())[:300]}"
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(0.1)
    raise StartupError(f"The web server did not become ready in {_READY_SECONDS:.0f} s ({said}); see the lines above.")


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except StartupError:
        if record.held(settings.data_dir):
            raise StartupError(_taken(settings)) from None
        raise


def _taken(settings: Settings) -> str:
    found = record.read(settings.data_dir)
    who = f" (process {found.holder.pid}{f', {found.url}' if found.url else ''})" if found else ""
    return (
        f"The data folder {settings.data_dir} is in use by another portal{who}: "
        "stop that one first or choose another --data-dir."
    )


def _remember(installation: Installation, settings: Settings) -> Callable[[str, int], None]:
    """Keeps the children in the data folder's record, so that the next start can end what a kill -9 of us left."""

    def changed(name: str, pid: int) -> None:
        if installation.record is not None:
            installation.record.children[name] = record.Running.of(pid)
            installation.record.save(settings.data_dir)

    return changed


def _prepare_metrics(settings: Settings) -> None:
    folder = settings.data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StartupError(
            f"The folder {folder} cannot be written ({error.strerror}): choose another --data-dir."
        ) from error
    os.environ[metrics.MULTIPROCESS_FOLDER] = str(Path(folder))


async def _watch_servers(installation: Installation) -> None:
    """A private server that has crashed is started again; requests answer 503 meanwhile and recover."""
    servers = installation.servers
    while servers is not None:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        for name, server in (("postgres", servers.postgres), ("valkey", servers.valkey)):
            if name not in servers.wanted or server.pid is not None:
                continue
            _log.error("server_ended", server=name)
            try:
                await server.start()
            except StartupError as error:
                _log.error("server_not_restarted", server=name, reason=error.message)
