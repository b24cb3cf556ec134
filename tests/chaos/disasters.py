"""What happens to a portal's machine: workers die, PostgreSQL and Redis go away and come back, at moments of a seed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from portal.foundation.embedded import EmbeddedServers
from portal.foundation.migrate import migrate
from portal.foundation.roles import access
from portal.foundation.settings import Settings
from tests.chaos.merchant import Merchant
from tests.conftest import MASTER_KEY


@asynccontextmanager
async def own_servers() -> AsyncIterator[EmbeddedServers]:
    """PostgreSQL and Valkey of this test alone, as durable as in earnest: what was committed survives a kill -9."""
    folder = Path(tempfile.mkdtemp(prefix="portal-chaos-"))
    folder.chmod(0o711)
    servers = EmbeddedServers(folder / "var", "live")
    await servers.start()
    try:
        yield servers
    finally:
        await servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def installed(servers: EmbeddedServers, data_dir: Path, **more: object) -> Settings:
    """The settings of a migrated portal over these servers."""
    settings = Settings(
        data_dir=data_dir,
        database_url=servers.postgres.dsn,
        redis_url=servers.valkey.url,
        redis_prefix="chaos",
        master_keys=MASTER_KEY,
        log_level="info",
        database_pool=8,
        **more,  # type: ignore[arg-type]
    )
    found = await access(settings)
    await migrate(found.owner_url, login_role=found.login_role, login_password=found.login_password)
    return settings


class Disasters:
    """`strike` kills the worker so many times; on the way PostgreSQL is restarted, then killed, and Redis is restarted."""

    def __init__(self, merchant: Merchant, servers: EmbeddedServers, seed: int) -> None:
        self._merchant, self._servers = merchant, servers
        self._rng = Random(f"disasters:{seed}")
        self.told: list[str] = []

    async def strike(self, kills: int) -> None:
        """Come back when the last one is over and a worker runs again."""
        others = {
            kills // 4: self._restart_postgres,
            kills // 2: self._kill_postgres,
            3 * kills // 4: self._restart_redis,
        }
        for number in range(kills):
            await self._ready()
            await asyncio.sleep(self._rng.uniform(0.1, 2.5))
            if number in others:
                await others[number]()
                await asyncio.sleep(self._rng.uniform(0.1, 1.0))
            await self._kill_worker()
            await self._merchant.start_worker()
        await self._ready()

    async def _ready(self) -> None:
        """Until the worker has said that it works; one that could not start without PostgreSQL is started again."""
        async with asyncio.timeout(150):
            while b"worker_ready" not in self._merchant.said():
                if self._merchant.process is not None and self._merchant.process.returncode is not None:
                    await self._merchant.start_worker()
                await asyncio.sleep(0.05)

    async def _kill_worker(self) -> None:
        await self._merchant.kill_worker()
        self.told.append("worker killed")

    async def _restart_postgres(self) -> None:
        await self._servers.postgres.stop()
        await asyncio.sleep(self._rng.uniform(0.1, 1.0))
        await self._servers.postgres.start()
        self.told.append("PostgreSQL restarted")

    async def _kill_postgres(self) -> None:
        pid = self._servers.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(self._rng.uniform(0.1, 0.5))
        await self._servers.postgres.start()
        self.told.append("PostgreSQL killed")

    async def _restart_redis(self) -> None:
        await self._servers.valkey.stop()
        await asyncio.sleep(self._rng.uniform(0.1, 1.0))
        await self._servers.valkey.start()
        self.told.append("Redis restarted")


async def during(merchant: Merchant, disasters: Disasters, kills: int, enough: Callable[[], bool]) -> None:
    """The merchant keeps asking for syncs until the disasters are over and the stores were asked enough."""
    striking = asyncio.create_task(disasters.strike(kills))
    try:
        await merchant.keep_asking(lambda: striking.done() and (striking.exception() is not None or enough()))
        await striking
    finally:
        striking.cancel()
        with suppress(asyncio.CancelledError):
            await striking
