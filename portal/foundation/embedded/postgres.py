"""A private PostgreSQL on a unix socket that only its own account (and root) can reach."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import asyncpg

from portal.foundation.embedded import processes
from portal.foundation.embedded.account import Account
from portal.foundation.embedded.binaries import postgres_program
from portal.foundation.embedded.cluster import SUPERUSER, ensure_cluster
from portal.foundation.embedded.failures import server_failure
from portal.foundation.embedded.folders import rotate
from portal.foundation.errors import StartupError

Profile = Literal["live", "tests"]

_PROGRAM = "postgres"
_COMMON = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0600",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",  # our queries are short; compiling them costs more than it gives
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_BY_PROFILE: dict[Profile, dict[str, str]] = {
    "live": {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"},
    "tests": {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    },
}
# Fast shutdown (clients are cut, a checkpoint is written), then immediate, then the kernel's word.
_STOPPING = ((signal.SIGINT, 25.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


class Postgres:
    """Start, adopt and stop one PostgreSQL over `folder`; the caller holds the data folder's lock."""

    def __init__(self, folder: Path, sockets: Path, log: Path, account: Account, profile: Profile) -> None:
        self.messages: list[str] = []
        self._folder, self._sockets, self._log = folder, sockets, log
        self._account, self._profile = account, profile
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The superuser's connection string (database `postgres`)."""
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self._sockets), safe='/')}&port=5432"

    @property
    def pid(self) -> int | None:
        """The verified pid of the running server, None when there is none."""
        try:
            pid = int((self._folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if processes.is_server(pid, _PROGRAM, self._folder) else None

    async def start(self) -> None:
        """Make the data folder if needed, then run the server or adopt one that an earlier run left behind.

        Raises StartupError with what to do.
        """
        durable = self._profile == "live"
        self.messages += await asyncio.to_thread(ensure_cluster, self._folder, self._account, durable=durable)
        if (pid := self.pid) is not None and await self._adopt(pid):
            return
        await self._clear_remains()
        rotate(self._log)
        start_of_log = self._log.stat().st_size if self._log.exists() else 0
        self._child = processes.spawn(
            [postgres_program("postgres"), "-D", self._folder, *self._options()],
            self._account,
            cwd=self._folder,
            log=self._log,
            # A live server outlives a kill -9 of the portal: work in other processes can end, and the next
            # start adopts it. A test server has nobody to come back to it.
            with_parent=None if durable else signal.SIGINT,
        )
        await self._until_ready(start_of_log)

    async def stop(self) -> None:
        """Fast shutdown, harder when it takes too long. Does nothing when it is not running."""
        if (pid := self.pid) is not None:
            await processes.stop(pid, _PROGRAM, self._folder, _STOPPING)
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._child.wait, 5)
            self._child = None

    def _options(self) -> list[str]:
        settings = {**_COMMON, **_BY_PROFILE[self._profile], "unix_socket_directories": str(self._sockets)}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    async def _adopt(self, pid: int) -> bool:
        if self._same_options() and await self._answers(10):
            self.messages.append(f"PostgreSQL of an earlier run (process {pid}) was still running; it is used again.")
            return True
        self.messages.append(f"PostgreSQL of an earlier run (process {pid}) was stopped to start it afresh.")
        if not await processes.stop(pid, _PROGRAM, self._folder, _STOPPING):
            raise StartupError(f"PostgreSQL of an earlier run does not stop: end process {pid} and start again.")
        return False

    def _same_options(self) -> bool:
        try:
            running = (self._folder / "postmaster.opts").read_text()
        except OSError:
            return False
        program = postgres_program("postgres").resolve()  # as PostgreSQL writes it, also from a linked environment
        wanted = ["-D", str(self._folder), *self._options()]
        return running.split("\n", 1)[0] == " ".join([str(program), *(f'"{part}"' for part in wanted)])

    async def _clear_remains(self) -> None:
        """After a kill -9: back ends end by themselves within moments; a foreign pid in the pid file does not."""
        for pid in processes.servers_in(self._folder, _PROGRAM):
            if not await processes.gone(pid, _PROGRAM, self._folder, 5):
                await processes.stop(pid, _PROGRAM, self._folder, _STOPPING[1:])
        stale = self._folder / "postmaster.pid"
        if stale.exists():
            stale.unlink()
            self.messages.append("Removed postmaster.pid of a PostgreSQL that no longer runs.")
        for socket in self._sockets.glob(".s.PGSQL.5432*"):
            socket.unlink(missing_ok=True)

    async def _until_ready(self, start_of_log: int) -> None:
        child, until = self._child, time.monotonic() + 60
        while not await self._answers(0):
            ended = child is None or child.poll() is not None
            if ended or time.monotonic() > until:
                await self.stop()
                with self._log.open("rb") as log:
                    log.seek(start_of_log)
                    output = log.read().decode(errors="replace")
                raise server_failure("PostgreSQL", self._log, output)
            await asyncio.sleep(0.03)

    async def _answers(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while True:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                if time.monotonic() >= until:
                    return False
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return True
