"""What runs on a data folder: written by whoever holds its lock, read by the other commands and by the next start."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import structlog
from filelock import FileLock, Timeout

_log = structlog.get_logger("portal.ops")


class Running(msgspec.Struct):
    """One process by pid and start time: pids are reused, so the number alone proves nothing."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Running:
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The process while it lives, else None."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.created) < 0.01 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


class Record(msgspec.Struct):
    """The holder, its servers' endpoints (they carry no password) and its child processes. `url` empty: no web."""

    holder: Running
    admin_dsn: str = ""
    redis_url: str = ""
    url: str = ""
    children: dict[str, Running] = {}

    def save(self, data_dir: Path) -> None:
        fresh = data_dir / f"portal.json.{os.getpid()}"
        fresh.write_bytes(msgspec.json.encode(self))
        fresh.replace(data_dir / "portal.json")


def read(data_dir: Path) -> Record | None:
    """The record of the last holder, whether or not it still runs."""
    try:
        return msgspec.json.decode((data_dir / "portal.json").read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None


def forget(data_dir: Path) -> None:
    """Nothing runs any more: the holder ended as it should."""
    (data_dir / "portal.json").unlink(missing_ok=True)


def held(data_dir: Path) -> bool:
    """Whether some process holds the data folder. The kernel frees the lock of a killed one."""
    if not (data_dir / "portal.lock").exists():
        return False
    probe = FileLock(data_dir / "portal.lock", timeout=0)
    try:
        probe.acquire()
    except (Timeout, OSError):
        return True
    probe.release()
    return False


def end_leftovers(data_dir: Path, seconds: float = 6.0) -> None:
    """End children that outlived a killed supervisor, so that their port is free again."""
    record = read(data_dir)
    if record is None or record.holder.process() is not None:
        return
    left = {name: found for name, child in record.children.items() if (found := child.process())}
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for process in left.values():
            with suppress(psutil.Error):
                process.send_signal(sign)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            time.sleep(0.05)
            left = {name: process for name, process in left.items() if Running.process(record.children[name])}
        if not left:
            break
    if record.children:
        _log.info("leftovers_ended", of=record.holder.pid)
