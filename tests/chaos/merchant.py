"""One organization with stores of the sandbox, a web server for webhooks, and a worker process that can be killed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from portal.foundation.database import AWAY
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.ops.demo_keys import credentials_of
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.shopify.gate import client_id
from portal.sandbox.shopify.options import ShopifyOptions
from portal.stores import service as stores
from portal.sync.jobs import request_sync
from portal.tenancy.scope import Scope, platform, tenant
from tests.conftest import make_org

ZONE = "Europe/Berlin"
CHILD = Path(__file__).parent / "worker_child.py"
ROOT = Path(__file__).parents[2]
FAST_SHOP = ShopifyOptions(points=20_000, restore_rate=20_000, bulk_seconds=0.05)
FAST_SELLER = AmazonOptions(pace=5_000.0, hidden_hours=0.0)


def spec(platform: str, orders: int, seed: int) -> SandboxStoreSpec:
    """A small store whose limits need not be waited for."""
    return SandboxStoreSpec(
        f"{platform}-store",
        seed,
        orders,
        platform=platform,  # type: ignore[arg-type]
        shopify=FAST_SHOP,
        amazon=FAST_SELLER,
    )


def given(sandbox: Sandbox, name: str) -> dict[str, str]:
    """What the merchant types to connect a store."""
    spec = sandbox.store(name).spec
    fields = credentials_of(spec, sandbox.url)
    if spec.platform == "shopify":
        return fields | {"access_token": "", "client_id": client_id(spec)}
    return fields | ({"timeout": "5"} if spec.platform == "woocommerce" else {})


def reaching(sandbox: Sandbox) -> dict[str, Any]:
    """The settings of a portal that may reach the sandbox."""
    seller = next((each.site_url for each in sandbox.stores if each.spec.platform == "amazon"), "")
    return {
        "outbound_allow": (sandbox.url.removeprefix("http://"),),
        "shopify_base_url": sandbox.url,
        "amazon_api_url": seller,
        "amazon_lwa_url": seller,
    }


@dataclass
class Merchant:
    """The organization, its connections by the stores' names, and the worker."""

    rt: Runtime
    settings: Settings
    sandbox: Sandbox
    org: UUID
    connections: dict[str, int] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    kills: int = 0
    _heard: int = 0
    log: Path = field(default_factory=lambda: Path(tempfile.mkstemp(prefix="chaos-worker-")[1]))

    async def connect(self, name: str) -> int:
        """Connect a store; nothing is synced before it is asked for."""
        kind = self.sandbox.store(name).spec.platform
        async with tenant(self.rt.database, self.org) as scope:
            self.connections[name] = await stores.create_connection(
                self.rt,
                scope,
                org_id=self.org,
                platform=kind,
                name=f"My {kind} store",
                credentials=stores.validate_credentials(kind, given(self.sandbox, name)),
                frequency="hourly",
                created_by=None,
            )
        return self.connections[name]

    async def start_worker(self) -> None:
        with self.log.open("ab") as out:
            self._heard = out.tell()
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(CHILD), self.settings.model_dump_json(exclude_none=True)),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
            )

    async def kill_worker(self) -> None:
        """SIGKILL: nothing of the process is left but what PostgreSQL has."""
        assert self.process is not None
        assert self.process.returncode is None, f"the worker ended by itself: {self.log.read_text()[-3000:]}"
        self.process.kill()
        await self.process.wait()
        self.kills += 1

    def said(self) -> bytes:
        """What the present worker has logged."""
        return self.log.read_bytes()[self._heard :]

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.log.unlink(missing_ok=True)

    def reading(self) -> AbstractAsyncContextManager[Scope]:
        return tenant(self.rt.database, self.org, read_only=True)

    def writing(self) -> AbstractAsyncContextManager[Scope]:
        return tenant(self.rt.database, self.org)

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        async with self.reading() as scope:
            return [dict(row) for row in await scope.sql.fetch(query, *values)]

    async def patient_rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """The same when PostgreSQL may be away."""
        while True:
            try:
                return await self.rows(query, *values)
            except AWAY:
                await asyncio.sleep(0.2)

    async def ask(self, name: str) -> None:
        """A run of the store, unless one waits or runs already."""
        async with tenant(self.rt.database, self.org) as scope:
            await request_sync(scope, org_id=self.org, connection_id=self.connections[name], trigger="manual")

    async def keep_asking(self, until: Callable[[], bool]) -> None:
        """Ask for runs of every store again and again, as an impatient merchant, also while PostgreSQL is away."""
        while not until():
            for name in self.connections:
                with suppress(*AWAY):
                    await self.ask(name)
            await asyncio.sleep(0.25)

    async def calm(self, seconds: float = 150.0) -> None:
        """The storm ends: no more faults and changes; what runs comes to its end."""
        for name in self.connections:
            self.sandbox.control(name, "stop_chaos")
            if self.sandbox.store(name).spec.platform == "amazon":  # which shows nothing of the last two minutes
                ahead = timedelta(seconds=self.sandbox.store(name).clock.ahead_seconds, minutes=4)
                self.sandbox.store(name).clock.set(datetime.now(UTC) + ahead)
            await self.sandbox.courier(name).settled()
        await self._until_idle(seconds)
        await asyncio.sleep(2.0)  # the catalogue is due again (worker_child.py)

    async def compare(self, seconds: float = 150.0) -> None:
        """One run of every store with its comparison, which must succeed."""
        asked = {}
        for name in self.connections:
            await self.ask(name)
            asked[name] = await self._last(name)
        await self._until_idle(seconds)
        for name, run in asked.items():
            last = await self._last(name)
            assert last["id"] >= run["id"]
            assert last["status"] == "success", (name, last["error"], last["advice"])

    async def _last(self, name: str) -> dict[str, Any]:
        query = "SELECT * FROM client_api_sync_results WHERE connection_id = $1 ORDER BY id DESC LIMIT 1"
        return (await self.rows(query, self.connections[name]))[0]

    async def _until_idle(self, seconds: float) -> None:
        busy = """SELECT (SELECT count(*) FROM client_api_sync_results WHERE status IN ('queued', 'running')) +
                  (SELECT count(*) FROM webhook_deliveries WHERE processed_at IS NULL) AS left"""
        async with asyncio.timeout(seconds):
            while (await self.rows(busy))[0]["left"]:
                assert self.process is None or self.process.returncode is None, self.log.read_text()[-3000:]
                await asyncio.sleep(0.1)


@asynccontextmanager
async def merchant(rt: Runtime, settings: Settings, sandbox: Sandbox) -> AsyncIterator[Merchant]:
    """A merchant with a connection to every store of the sandbox, and a worker that waits for work."""
    async with platform(rt.database, "test: lift the rates") as scope:
        for name in ("woocommerce", "shopify", "amazon"):
            await scope.sql.execute(
                "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ($1, 5000, 5000)"
                " ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 5000, burst = 5000",
                name,
            )
    org = await make_org(rt, "Chaos")
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(
            "UPDATE organizations SET timezone = $2, reporting_currency = 'EUR' WHERE id = $1", org, ZONE
        )
    made = Merchant(rt, settings, sandbox, org)
    try:
        for store in sandbox.stores:
            await made.connect(store.spec.name)
        await made.start_worker()
        yield made
    finally:
        await made.close()
