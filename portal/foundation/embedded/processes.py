"""Starting, recognising and stopping server processes."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from portal.foundation.embedded.account import Account

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """A clean environment: PG* variables and locales of the caller must not change our servers."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def run(argv: Sequence[str | Path], account: Account, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as the account; the caller looks at the return code."""
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
    )


def spawn(
    argv: Sequence[str | Path], account: Account, *, cwd: Path, log: Path, with_parent: signal.Signals | None
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that Ctrl-C reaches only us and we stop things in order.

    `with_parent` is the signal the kernel sends it when we die without stopping it (Linux only).
    """

    def follow_parent() -> None:
        if with_parent is not None and _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(with_parent))

    with log.open("ab") as out:
        return subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=follow_parent,  # noqa: PLW1509 - one prctl call; libc is loaded beforehand
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
        )


def is_server(pid: int, program: str, folder: Path) -> bool:
    """Whether `pid` is that program working in that folder: pids are reused, so never trust the number alone."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and Path(process.exe()).name == program
            and Path(process.cwd()) == folder
        )
    except (psutil.Error, OSError):
        return False


def servers_in(folder: Path, program: str) -> list[int]:
    """The pids of that program working in that folder, postmaster and back ends alike."""
    return [pid for pid in psutil.pids() if is_server(pid, program, folder)]


async def stop(pid: int, program: str, folder: Path, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal and wait its seconds until the verified server is gone; True when it is."""
    for sign, seconds in steps:
        if not is_server(pid, program, folder):
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        if await gone(pid, program, folder, seconds):
            return True
    return not is_server(pid, program, folder)


async def gone(pid: int, program: str, folder: Path, seconds: float) -> bool:
    """Wait until the server has ended, at most `seconds`."""
    until = time.monotonic() + seconds
    while is_server(pid, program, folder):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True
