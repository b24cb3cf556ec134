"""Supervised processes: restarted when they crash, ended in order, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from portal.foundation.errors import StartupError
from portal.ops.crew import Crew, Member
from tests.ops.command import ROOT, clean_environment


class Supervisor:
    """The miniature supervisor and what it says it has started."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crew_child.py"))],
            cwd=ROOT,
            env=clean_environment(PYTHONPATH=str(ROOT)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pids: list[int] = []

    async def started(self, name: str) -> int:
        """The pid of the next process of that name."""
        while True:
            line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 20)  # type: ignore[union-attr]
            words = line.split()
            if len(words) == 2 and words[1].isdigit():
                self.pids.append(int(words[1]))
                if words[0] == name:
                    return self.pids[-1]


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    found = Supervisor()
    yield found
    for pid in (found.process.pid, *found.pids):
        if lives(pid):
            os.kill(pid, signal.SIGKILL)
    found.process.wait(10)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(pid: int, seconds: float) -> bool:
    for _ in range(int(seconds / 0.05)):
        if not lives(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_crashed_process_is_started_again(supervisor: Supervisor) -> None:
    first = await supervisor.started("first")
    await supervisor.started("second")
    os.kill(first, signal.SIGKILL)
    assert await supervisor.started("first") != first
    supervisor.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(supervisor.process.wait, 15) == 0
    assert not any(lives(pid) for pid in supervisor.pids)


async def test_processes_end_by_themselves_when_the_supervisor_was_killed(supervisor: Supervisor) -> None:
    pids = [await supervisor.started("first"), await supervisor.started("second")]
    await asyncio.sleep(2)  # they look for their parent once they run
    supervisor.process.kill()
    assert all([await gone(pid, 8) for pid in pids])


async def test_a_process_with_wrong_settings_is_not_started_again() -> None:
    crew = Crew(lambda name, pid: None)
    environ = clean_environment(PORTAL_PORT="none")
    await crew.start(Member(name="worker", arguments=["worker"], environ=environ))
    with pytest.raises(StartupError, match="`portal worker` could not start"):
        await asyncio.wait_for(crew.failed, 20)
    await crew.stop()
