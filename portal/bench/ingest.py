"""A store's first sync, end to end over HTTP with one worker, against COPY of the same rows into the same tables."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import ClientSession

from portal.bench import tables
from portal.bench.child import Child, ChildFailed
from portal.bench.finding import Finding, beside
from portal.bench.plan import Plan
from portal.bench.process import Profiler
from portal.bench.rounds import in_turn
from portal.bench.tenants import make_organizations
from portal.compose import close_runtime, open_runtime
from portal.connectors.woocommerce import mapping
from portal.connectors.woocommerce.auth import basic
from portal.foundation.database import connect_once
from portal.foundation.runtime import Runtime
from portal.stores.service import create_connection
from portal.sync import engine
from portal.sync.jobs import request_sync
from portal.tenancy.scope import tenant

NAME = "ingest"
BAR = 0.5


async def measure(plan: Plan) -> None:
    """Rows a second of all canonical tables, from an empty ledger; the sync's own time from its start to its success."""
    store = await plan.child("store", orders=plan.size(20_000, 1_000))
    settings = plan.settings.model_copy(update={"outbound_allow": (store.ready["address"],)})
    rt = await open_runtime(settings)
    admin = await connect_once(plan.admin_url)
    try:
        # The store's budget protects real hosts; here it would only measure itself.
        await admin.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('woocommerce', 9999, 9999)"
        )
        await _compare(plan, rt, admin, store)
        await _floors(plan, store)
    finally:
        await admin.close()
        await close_runtime(rt)


async def _compare(plan: Plan, rt: Runtime, admin: Any, store: Child) -> None:
    kept: dict[str, tuple[list[str], bytes]] = {}
    counts: dict[str, int] = {}

    async def synced() -> float:
        await tables.empty(admin)
        took = await first_sync(rt, store)
        kept.update(await tables.taken(admin))
        counts.update(await tables.counted(admin))
        return sum(counts.values()) / took

    async def copied() -> float:
        await tables.empty(admin)
        return sum(counts.values()) / await tables.copied(admin, kept)

    rounds = plan.size(3, 2)
    ours, floor = await in_turn(rounds, synced, copied)
    rows = ", ".join(f"{count:,} {table}" for table, count in counts.items() if count)
    plan.found(
        beside(
            NAME,
            "first sync, one worker",
            "rows/s",
            ours,
            floor,
            bar=BAR,
            bound="at_least",
            sample=f"{rounds} rounds in turn of {rows}",
            note="COPY of the text those tables give, in one transaction, as their owner",
        )
    )
    await _from_python(plan, admin, ours, sum(counts.values()))
    share = counts["orders"] / sum(counts.values())
    plan.found(
        Finding(bench=NAME, case="… the same as orders", unit="orders/s", ours=sorted(ours)[rounds // 2] * share)
    )
    if plan.profile:
        await tables.empty(admin)
        profiler = Profiler()
        profiler.start()
        await first_sync(rt, store)
        plan.keep_profile(NAME, profiler.stop(70))


async def _from_python(plan: Plan, admin: Any, ours: list[float], rows: int) -> None:
    records = await tables.as_records(admin)
    times = []
    for _ in ours:
        await tables.empty(admin)
        times.append(rows / await tables.copied_records(admin, records))
    note = "the floor as a Python program reaches it: the driver encodes the values"
    plan.found(beside(NAME, "… against COPY of Python values", "rows/s", ours, times, note=note))


async def first_sync(rt: Runtime, store: Child) -> float:
    """Seconds of the first sync of a new organization. Raises `ChildFailed` when it does not succeed."""
    (org_id,) = await make_organizations(rt.database, 1)
    connection_id, run_id = await _connect(rt, org_id, store.ready["credentials"])
    before = time.perf_counter()
    outcome = await engine.run(rt, org_id, connection_id, run_id)
    took = time.perf_counter() - before
    if outcome is not engine.Outcome.SUCCESS:
        raise ChildFailed(f"the sync ended as {outcome}")
    return took


async def _connect(rt: Runtime, org_id: UUID, credentials: dict[str, str]) -> tuple[int, UUID]:
    async with tenant(rt.database, org_id) as scope:
        connection_id = await create_connection(
            rt,
            scope,
            org_id=org_id,
            platform="woocommerce",
            name=f"Bench {uuid4().hex[:8]}",
            credentials=credentials,
            frequency="daily",
            created_by=None,
        )
        row, _ = await request_sync(scope, org_id=org_id, connection_id=connection_id, trigger="first")
        run_id: UUID = await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)
    return connection_id, run_id


async def _floors(plan: Plan, store: Child) -> None:
    """What no portal could be faster than: the store's own answers, and the mapping of its orders without anything else."""
    pages: list[bytes] = []
    wanted = store.ready["credentials"]
    headers = basic(wanted["consumer_key"], wanted["consumer_secret"])
    before = time.perf_counter()
    async with ClientSession(headers=headers) as session:
        while not pages or len(pages[-1]) > 2:
            query = f"per_page=100&orderby=id&order=asc&page={len(pages) + 1}"
            async with session.get(f"{wanted['site_url']}/wp-json/wc/v3/orders?{query}") as answer:
                pages.append(await answer.read())
    served = time.perf_counter() - before
    before, now = time.perf_counter(), datetime.now(UTC)
    orders = [mapping.order(row, now) for page in pages for row in msgspec.json.decode(page)]
    mapped = time.perf_counter() - before
    plan.found(
        Finding(
            bench=NAME,
            case="… the sandbox alone, page by page",
            unit="orders/s",
            ours=len(orders) / served,
            sample=f"{len(pages)} pages of {len(pages[0]):,} bytes",
        )
    )
    plan.found(Finding(bench=NAME, case="… reading and mapping JSON alone", unit="orders/s", ours=len(orders) / mapped))
