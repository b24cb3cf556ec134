"""Sandbox stores that the app under test may reach, and what a superadmin types to connect one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.truth import truth
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.jobs import request_sync
from portal.sync.stream import Patience
from portal.tenancy.scope import platform, tenant
from portal.tenancy.service import set_store_facts


@asynccontextmanager
async def reachable(rt: Runtime, *addresses: str, ca_file: Path | None = None) -> AsyncIterator[None]:
    """The portal may reach these `host:port`s; afterwards nothing of the test's stores is left to be synced."""
    before = rt.outbound
    rt.outbound = OutboundClient(allow=addresses, ca_file=ca_file)
    try:
        yield
    finally:
        await rt.outbound.close()
        rt.outbound = before
        async with platform(rt.database, "test: end") as scope:
            await scope.sql.execute("DELETE FROM pgqueuer")
            await scope.sql.execute("UPDATE client_api_credentials SET status = 'disabled', lease_until = NULL")


@asynccontextmanager
async def open_shop(rt: Runtime, *, tls: bool = False, trusted: bool = True, **spec: Any) -> AsyncIterator[Sandbox]:
    """A store called "shop" that the portal may reach."""
    sandbox = Sandbox([SandboxStoreSpec(**({"name": "shop", "seed": 11, "orders": 40} | spec))])
    await sandbox.start(tls=tls)
    try:
        ca_file = sandbox.ca_file if trusted else None
        async with reachable(rt, sandbox.url.partition("://")[2], ca_file=ca_file):
            yield sandbox
    finally:
        await sandbox.stop()


def credentials(sandbox: Sandbox, **changed: str) -> dict[str, str]:
    """The right ones, or with something changed."""
    store = sandbox.store("shop")
    right = {
        "site_url": store.site_url,
        "consumer_key": store.spec.consumer_key,
        "consumer_secret": store.spec.consumer_secret,
        "api_version": "wc/v3",
        "timeout": "5",
    }
    return right | changed


async def connect(rt: Runtime, org: UUID, sandbox: Sandbox) -> int:
    """Connect the store to an organization in its own zone and currency; nothing syncs it but the test."""
    store = sandbox.store("shop")
    async with tenant(rt.database, org) as scope:
        connection_id = await stores.create_connection(
            rt,
            scope,
            org_id=org,
            platform="woocommerce",
            name="Main store",
            credentials=stores.validate_credentials("woocommerce", credentials(sandbox)),
            frequency="hourly",
            created_by=None,
        )
        await scope.sql.execute("UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour'")
        await set_store_facts(scope, org, store.spec.currency, store.spec.timezone)
    return connection_id


async def sync(rt: Runtime, org: UUID, connection_id: int) -> Outcome:
    """One run of every stream, as a worker does it, with little patience."""
    async with tenant(rt.database, org) as scope:
        row, _ = await request_sync(scope, org_id=org, connection_id=connection_id, trigger="manual")
        run_id = await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)
    return await engine.run(rt, org, connection_id, run_id, patience=Patience(waits=(0.05,), longest_wait=2.0))


def today(sandbox: Sandbox) -> tuple[int, Decimal]:
    """Orders (of every currency) and net revenue in the store's own, of its present day, from the store's rows."""
    told: Any = truth(sandbox.store("shop"))
    day = datetime.fromisoformat(told["now"]).astimezone(ZoneInfo(told["timezone"])).date().isoformat()
    rows = [row for row in told["days"] if row["date"] == day]
    own = (Decimal(row["net"]) for row in rows if row["currency"] == told["currency"])
    return sum(row["orders"] for row in rows), sum(own, Decimal(0))
