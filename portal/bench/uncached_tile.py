"""A tile computed from a million orders, by the portal's own path, against the same SQL in bare asyncpg."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from portal.bench.finding import Finding, beside
from portal.bench.plan import Plan
from portal.bench.process import Profiler
from portal.bench.rounds import in_turn
from portal.bench.rows import fill
from portal.bench.tenants import make_organizations
from portal.commerce.queries import sales_pulse_sql
from portal.dashboard.registry import tile
from portal.dashboard.tiles.sales_pulse import FIGURES
from portal.foundation.database import Database, connect_arguments, connect_once
from portal.foundation.web.envelopes import encode
from portal.tenancy import scope

NAME = "uncached-tile"
BARS = {"median tenant": 2.7, "tenant with 20 % of all rows": 1.5}
FLOOR_SQL = f"{sales_pulse_sql(FIGURES)} WHERE org_id = $1"
_FLOOR_ROLE = "bench_floor"


async def measure(plan: Plan) -> None:
    """Milliseconds per tile, one after the other: each round's value is the median of its calls."""
    total, tenants = plan.size(1_000_000, 50_000), plan.size(401, 41)
    database = Database(plan.settings.database_url)
    await database.open()
    admin = await connect_once(plan.admin_url)
    try:
        organizations = await make_organizations(database, tenants)
        large, *others = organizations
        sizes = [total // 5, *([total * 4 // 5 // len(others)] * len(others))]
        started = time.perf_counter()
        await fill(admin, organizations, sizes)
        plan.say(f"  {sum(sizes):,} orders of {tenants} tenants made in {time.perf_counter() - started:.0f} s")
        floor = await _floor_connection(admin, plan.admin_url)
        try:
            for case, org_id in zip(BARS, (others[len(others) // 2], large), strict=True):
                plan.found(await _compare(plan, database, floor, org_id, case))
        finally:
            await floor.close()
        if plan.profile:
            await _profile(plan, database, others[0])
    finally:
        await admin.close()
        await database.close()


async def _compare(plan: Plan, database: Database, floor: Any, org_id: UUID, case: str) -> Finding:
    calls, rounds = plan.size(100, 20), plan.size(9, 3)
    pulse = tile("sales-pulse")

    async def ours() -> None:
        async with scope.reading(database, org_id) as connection:
            encode((await pulse.fetch(connection, pulse.query())).body)

    async def bare() -> None:
        await floor.fetchrow(FLOOR_SQL, org_id)

    mine, theirs = await in_turn(rounds, lambda: _median_ms(ours, calls), lambda: _median_ms(bare, calls))
    sample = f"{rounds} rounds of {calls} calls each in turn"
    rows = await floor.fetchval("SELECT count(*) FROM orders WHERE org_id = $1", org_id)
    return beside(
        NAME, case, "ms/tile", mine, theirs, bar=BARS[case], sample=sample, note=f"{rows:,} orders of its own"
    )


async def _median_ms(call: Callable[[], Awaitable[None]], calls: int) -> float:
    times = []
    for _ in range(calls):
        before = time.perf_counter()
        await call()
        times.append(time.perf_counter() - before)
    return median(times) * 1000


async def _floor_connection(admin: Any, admin_url: str) -> Any:
    """A role that is no superuser and that row-level security does not hold: the same SQL without the scope."""
    await admin.execute(f"CREATE ROLE {_FLOOR_ROLE} LOGIN NOSUPERUSER BYPASSRLS")
    await admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {_FLOOR_ROLE}")
    return await asyncpg.connect(**{**connect_arguments(admin_url), "user": _FLOOR_ROLE})


async def _profile(plan: Plan, database: Database, org_id: UUID) -> None:
    pulse, profiler = tile("sales-pulse"), Profiler()
    profiler.start()
    for _ in range(300):
        async with scope.reading(database, org_id) as connection:
            encode((await pulse.fetch(connection, pulse.query())).body)
    plan.keep_profile(f"{NAME} median tenant", profiler.stop())
