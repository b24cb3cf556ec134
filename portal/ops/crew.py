"""Child processes that are kept running: restarted with a growing pause when they crash, stopped in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from portal.foundation import metrics
from portal.foundation.errors import StartupError

PARENT = "PORTAL_PARENT_PID"
_log = structlog.get_logger("portal.crew")
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 30.0
_WRONG_SETTINGS = 2


@dataclass(kw_only=True)
class Member:
    """One process: `portal <arguments>` with `environ`; it gets `patience` seconds to end by itself.

    Members are stopped in the order of `stops`. `quiet` drops what it prints on stdout (not its log).
    """

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    patience: float = 10.0
    stops: int = 0
    quiet: bool = False
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None
    restarts: int = field(default=0)


class Crew:
    """`changed` is called with (name, pid) whenever a process has started. `failed` is set when one cannot start."""

    def __init__(self, changed: Callable[[str, int], None]) -> None:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed = changed
        self._members: list[Member] = []
        self._forced = False

    async def start(self, member: Member) -> None:
        """Start and keep running."""
        self._members.append(member)
        await self._spawn(member)
        member.keeper = asyncio.create_task(self._keep(member))

    async def stop(self) -> None:
        """End all in order; whoever does not end in time is killed."""
        for member in sorted(self._members, key=lambda member: member.stops):
            if member.keeper is not None:
                member.keeper.cancel()
            await self._end(member)
        if self.failed.done():
            self.failed.exception()
        else:
            self.failed.cancel()

    def force(self) -> None:
        """Do not wait any longer."""
        self._forced = True
        for member in self._members:
            _signal(member, signal.SIGKILL)

    async def _spawn(self, member: Member) -> None:
        member.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "portal", *member.arguments),
            env={**member.environ, PARENT: str(os.getpid())},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL if member.quiet else None,
            pass_fds=tuple(member.pass_fds),
            start_new_session=True,  # Ctrl-C reaches only us, and we stop things in order
        )
        self._changed(member.name, member.process.pid)

    async def _keep(self, member: Member) -> None:
        while member.process is not None:
            started = time.monotonic()
            code = await member.process.wait()
            metrics.forget_process(member.process.pid)
            steady = time.monotonic() - started > _STEADY_AFTER
            if code == _WRONG_SETTINGS and not member.restarts and not self.failed.done():
                # It has said in one line what is wrong; starting it again would only repeat that.
                self.failed.set_exception(StartupError(f"`portal {member.name}` could not start; see the line above."))
                return
            member.restarts = 1 if steady else member.restarts + 1
            pause = min(0.5 * 2 ** (member.restarts - 1), _LONGEST_PAUSE)
            _log.error("process_ended", process=member.name, code=code, restart_in_seconds=pause)
            await asyncio.sleep(pause)
            await self._spawn(member)

    async def _end(self, member: Member) -> None:
        if member.process is None or member.process.returncode is not None:
            return
        _signal(member, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(member.process.wait(), 0.1 if self._forced else member.patience)
            return
        _log.warning("process_killed", process=member.name)
        _signal(member, signal.SIGKILL)
        await member.process.wait()


def follow_parent() -> None:
    """In a child: end when the supervisor is gone, even by kill -9. Gently first, for good after ten seconds."""
    parent = int(os.environ.pop(PARENT, "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def _signal(member: Member, sign: signal.Signals) -> None:
    if member.process is not None and member.process.returncode is None:
        with suppress(ProcessLookupError):
            member.process.send_signal(sign)
