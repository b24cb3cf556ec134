"""Sandbox stores over real HTTP, connections to them, and a run without a worker around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.jobs import request_sync
from portal.sync.stream import Patience
from portal.tenancy.scope import platform, tenant

QUICK = Patience(waits=(0.05, 0.1), longest_wait=3.0, page_seconds=20.0)
Totals = dict[tuple[str, str], tuple[int, Decimal, Decimal]]


@dataclass
class Shop:
    """One sandbox store and the connection of one organization to it."""

    rt: Runtime
    sandbox: Sandbox
    name: str
    org: UUID
    connection_id: int

    @property
    def store(self) -> Store:
        return self.sandbox.store(self.name)

    def control(self, action: str, **given: object) -> dict[str, Any]:
        return self.sandbox.control(self.name, action, **given)

    async def request(self, trigger: Any = "manual", **asked: Any) -> UUID:
        """Queue a run; returns its id. `asked`: streams, since."""
        async with tenant(self.rt.database, self.org) as scope:
            row, _ = await request_sync(
                scope, org_id=self.org, connection_id=self.connection_id, trigger=trigger, **asked
            )
            return await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)

    async def sync(self, trigger: Any = "manual", patience: Patience = QUICK, **asked: Any) -> Outcome:
        """Request a run and run it here."""
        run_id = await self.request(trigger, **asked)
        outcome = await engine.run(self.rt, self.org, self.connection_id, run_id, patience=patience)
        async with tenant(self.rt.database, self.org) as scope:
            await scope.sql.execute("DELETE FROM pgqueuer WHERE dedupe_key = $1", f"run:{run_id}")
        return outcome

    async def last_run(self) -> dict[str, Any]:
        return await self.row("SELECT * FROM client_api_sync_results WHERE connection_id = $1 ORDER BY id DESC LIMIT 1")

    async def connection(self) -> dict[str, Any]:
        return await self.row("SELECT * FROM client_api_credentials WHERE id = $1")

    async def row(self, query: str) -> dict[str, Any]:
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            return dict(await scope.sql.fetchrow(query, self.connection_id))

    async def value(self, query: str) -> Any:
        return next(iter((await self.row(query)).values()))

    async def held(self) -> Totals:
        """(source status, currency) -> orders, gross, refunds, as the ledger has them."""
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            rows = await scope.sql.fetch(
                """SELECT source_status, currency, count(*) AS orders, sum(total) AS gross, coalesce(sum(r.amount), 0) AS back
                   FROM orders o LEFT JOIN LATERAL (SELECT sum(amount) AS amount FROM refunds r WHERE r.org_id = o.org_id
                     AND r.connection_id = o.connection_id AND r.order_id = o.external_id AND r.deleted_at IS NULL) r ON true
                   WHERE connection_id = $1 AND o.deleted_at IS NULL GROUP BY 1, 2""",
                self.connection_id,
            )
        return {(r["source_status"], r["currency"].strip()): (r["orders"], r["gross"], r["back"]) for r in rows}

    def true(self) -> Totals:
        """The same from the store's own rows. Drafts of a checkout are no orders yet."""
        rows: Any = truth(self.store)["statuses"]
        return {
            (r["status"], r["currency"]): (r["orders"], Decimal(r["gross"]), Decimal(r["refunds"]))
            for r in rows
            if r["status"] != "checkout-draft"
        }

    async def rolled_up(self) -> dict[str, tuple[Decimal, Decimal]]:
        """currency -> gross and refunds of the daily rollup: what the dashboard reads."""
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            rows = await scope.sql.fetch(
                "SELECT currency, sum(gross) AS gross, sum(refunds) AS back FROM daily_sales WHERE connection_id = $1 GROUP BY 1",
                self.connection_id,
            )
        return {row["currency"].strip(): (row["gross"], row["back"]) for row in rows}

    def true_revenue(self) -> dict[str, tuple[Decimal, Decimal]]:
        rows: Any = truth(self.store)["revenue"]
        return {row["currency"]: (Decimal(row["gross"]), Decimal(row["refunds"])) for row in rows}

    async def assert_equal_to_truth(self) -> None:
        """To the cent, rows and rollup."""
        assert await self.held() == self.true()
        assert await self.rolled_up() == self.true_revenue()


Connect = Callable[..., Awaitable[Shop]]


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    """Stores that the tests only read: 230 orders, and none at all."""
    specs = [SandboxStoreSpec(name="shop", orders=230, seed=5), SandboxStoreSpec(name="empty", orders=0, seed=6)]
    async with Sandbox(specs) as running:
        yield running


@pytest.fixture
async def own_sandbox() -> AsyncIterator[Sandbox]:
    """A store of 60 orders that a test may change."""
    async with Sandbox([SandboxStoreSpec(name="shop", orders=60, seed=8)]) as running:
        yield running


@pytest.fixture
async def unhurried(rt: Runtime) -> AsyncIterator[None]:
    """The agency allows a high rate, so that tests need not wait for a store's budget."""
    async with platform(rt.database, "test: lift the rate") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('woocommerce', 5000, 5000)"
            " ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 5000, burst = 5000"
        )
    yield
    async with platform(rt.database, "test: lower the rate") as scope:
        await scope.sql.execute("DELETE FROM api_platform_configs WHERE platform_type = 'woocommerce'")


@pytest.fixture
async def connect(rt: Runtime, org: UUID, unhurried: None) -> AsyncIterator[Connect]:
    """`await connect(sandbox, "shop")`: a Shop of `org` (or another one), reachable by the runtime's outbound client."""
    before, opened = rt.outbound, []

    async def make(sandbox: Sandbox, name: str = "shop", *, to: UUID | None = None, **fields: str) -> Shop:
        reach(sandbox)
        store, org_id = sandbox.store(name), to or org
        given = {
            "site_url": store.site_url,
            "consumer_key": store.spec.consumer_key,
            "consumer_secret": store.spec.consumer_secret,
            "timeout": "5",
        } | fields
        async with tenant(rt.database, org_id) as scope:
            connection_id = await stores.create_connection(
                rt,
                scope,
                org_id=org_id,
                platform="woocommerce",
                name=f"Store {uuid4().hex[:6]}",
                credentials=stores.validate_credentials("woocommerce", given),
                frequency="hourly",
                created_by=None,
            )
            # Only what a test asks for is due; the schedule is another worker's.
            await scope.sql.execute(
                "UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour' WHERE id = $1",
                connection_id,
            )
            # Refunds and sales fall on the store's own days, as its truth counts them.
            await scope.sql.execute("UPDATE organizations SET timezone = $2 WHERE id = $1", org_id, store.spec.timezone)
        return Shop(rt, sandbox, name, org_id, connection_id)

    def reach(sandbox: Sandbox) -> None:
        reachable.add(sandbox.url.removeprefix("http://"))
        rt.outbound = OutboundClient(allow=sorted(reachable))
        opened.append(rt.outbound)

    reachable: set[str] = set()
    yield make
    rt.outbound = before
    for client in opened:
        await client.close()
    # Nothing a test left queued may run in another test's worker.
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
        await scope.sql.execute("UPDATE client_api_credentials SET status = 'disabled'")
