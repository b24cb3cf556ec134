"""A private Valkey (Redis protocol) on a unix socket. It holds nothing that must outlive a restart."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from portal.foundation.embedded import processes
from portal.foundation.embedded.account import Account
from portal.foundation.embedded.binaries import valkey_program
from portal.foundation.embedded.failures import server_failure
from portal.foundation.embedded.folders import rotate
from portal.foundation.errors import StartupError

_PROGRAM = "valkey-server"
_STOPPING = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class Valkey:
    """Start and stop one Valkey; the socket stays the same, so a restart keeps `url` true."""

    def __init__(self, folder: Path, sockets: Path, log: Path, account: Account) -> None:
        self.messages: list[str] = []
        self._folder, self._log, self._account = folder, log, account
        self._socket = sockets / "valkey.sock"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The connection URL for redis clients."""
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    @property
    def pid(self) -> int | None:
        """The pid of the running server, None when there is none."""
        return next(iter(processes.servers_in(self._folder, _PROGRAM)), None)

    async def start(self) -> None:
        """Run the server; one left by an earlier run is stopped first. Raises StartupError with what to do."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._account.own(self._folder)
        await self._clear_remains()
        rotate(self._log)
        start_of_log = self._log.stat().st_size if self._log.exists() else 0
        self._child = processes.spawn(
            [valkey_program(), *self._options()],
            self._account,
            cwd=self._folder,
            log=self._log,
            with_parent=signal.SIGTERM,
        )
        until = time.monotonic() + 20
        while not await self._answers():
            if self._child.poll() is not None or time.monotonic() > until:
                await self.stop()
                with self._log.open("rb") as log:
                    log.seek(start_of_log)
                    raise server_failure("Valkey", self._log, log.read().decode(errors="replace"))
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End the server. Does nothing when it is not running."""
        if (pid := self.pid) is not None:
            await processes.stop(pid, _PROGRAM, self._folder, _STOPPING)
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._child.wait, 5)
            self._child = None
        self._socket.unlink(missing_ok=True)

    def _options(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            # Everything in it can be made again, and a full cache must not refuse a rate limit or a budget.
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    async def _clear_remains(self) -> None:
        for pid in processes.servers_in(self._folder, _PROGRAM):
            self.messages.append(f"Valkey of an earlier run (process {pid}) was stopped to start it afresh.")
            if not await processes.stop(pid, _PROGRAM, self._folder, _STOPPING):
                raise StartupError(f"Valkey of an earlier run does not stop: end process {pid} and start again.")
        if await self._answers():
            raise StartupError(f"Another program listens on {self._socket}: stop it or choose another --data-dir.")
        self._socket.unlink(missing_ok=True)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_unix_connection(self._socket)
                try:
                    writer.write(b"PING\r\n")
                    return (await reader.readline()).startswith(b"+PONG")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
