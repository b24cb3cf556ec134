"""The private servers over one data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import structlog
from filelock import FileLock

from portal.foundation.embedded import folders
from portal.foundation.embedded.account import make_readable, open_way, server_account
from portal.foundation.embedded.binaries import postgres_program, program_folders
from portal.foundation.embedded.postgres import Postgres, Profile
from portal.foundation.embedded.valkey import Valkey

_log = structlog.get_logger("portal.embedded")
_MIN_FREE_BYTES = 300 << 20


class Endpoints(NamedTuple):
    """Where the servers answer; empty for one that was not wanted."""

    admin_dsn: str
    redis_url: str


class EmbeddedServers:
    """Private PostgreSQL (`<data_dir>/postgres`) and Valkey for one portal.

    `start()` gives the endpoints and raises StartupError with one sentence of what to do; `stop()` ends Valkey,
    then PostgreSQL. `messages` lists what was repaired. The profile `tests` trades durability for speed.
    After a kill -9 of the portal the live PostgreSQL goes on, and the next `start()` adopts it. `wanted` leaves one of
    the two out, for an installation that has its own.
    """

    postgres: Postgres
    valkey: Valkey

    def __init__(
        self,
        data_dir: Path,
        profile: Profile = "live",
        *,
        min_free_bytes: int = _MIN_FREE_BYTES,
        wanted: Sequence[Literal["postgres", "valkey"]] = ("postgres", "valkey"),
    ) -> None:
        self.messages: list[str] = []
        self.wanted = frozenset(wanted)
        self._data_dir, self._profile, self._min_free = data_dir.absolute(), profile, min_free_bytes
        self._lock: FileLock | None = None

    async def start(self) -> Endpoints:
        """Start both servers. Raises StartupError; nothing is left running then."""
        folders.prepare(self._data_dir, self._min_free)
        self._data_dir = self._data_dir.resolve()
        self._lock = folders.lock(self._data_dir)
        try:
            self._arrange()
            if "postgres" in self.wanted:
                await self.postgres.start()
            if "valkey" in self.wanted:
                await self.valkey.start()
        except BaseException:
            await self.stop()
            raise
        self.messages += [*self.postgres.messages, *self.valkey.messages]
        for message in self.messages:
            _log.warning("embedded_servers", message=message)
        return Endpoints(
            self.postgres.dsn if "postgres" in self.wanted else "", self.valkey.url if "valkey" in self.wanted else ""
        )

    async def stop(self) -> None:
        """Stop Valkey, then PostgreSQL, and give the data folder back. May be called twice."""
        if self._lock is None:
            return
        try:
            if hasattr(self, "valkey"):
                await self.valkey.stop()
            if hasattr(self, "postgres"):
                await self.postgres.stop()
        finally:
            folders.unlock(self._data_dir, self._lock)
            self._lock = None

    def _arrange(self) -> None:
        data, logs = self._data_dir / "postgres", self._data_dir / "logs"
        account = server_account(data)
        targets = (data, postgres_program("postgres"), *program_folders())
        if opened := [folder for target in targets for folder in open_way(account, target)]:
            self.messages.append(
                f"Accounts other than root may now pass through {', '.join(map(str, opened))} (not list it), because "
                f"the servers run as {account.name}: PostgreSQL must not run as root."
            )
        for folder in program_folders():
            make_readable(account, folder)
        sockets = folders.socket_folder(self._data_dir, account)
        self.postgres = Postgres(data, sockets, logs / "postgres.log", account, self._profile)
        self.valkey = Valkey(self._data_dir / "valkey", sockets, logs / "valkey.log", account)
