"""A store's first sync beside what bounds it: COPY of the same rows, and the store's own speed. Shared by several benchmarks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from portal.bench import tables
from portal.bench.child import Child, ChildFailed
from portal.bench.finding import Finding, beside
from portal.bench.plan import Plan
from portal.bench.rounds import in_turn
from portal.foundation.database import connect_once

BAR, BAR_MEGABYTES = 0.5, 250.0
_LIMITS = """
INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ($1, 99999, 99999)
ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 99999, burst = 99999
"""


@dataclass(kw_only=True)
class Reading:
    """A store, the worker that reads it, and what the reading brought."""

    store: Child
    worker: Child
    admin: Any
    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, tuple[list[str], bytes]] = field(default_factory=dict)
    own: list[float] = field(default_factory=list)  # seconds of the worker's own work
    orders: list[float] = field(default_factory=list)  # a second

    async def first(self) -> float:
        """Seconds of a first sync into empty tables."""
        await tables.empty(self.admin)
        found = await self.worker.ask(do="first", store=self.store.ready)
        self.counts = await tables.counted(self.admin)
        self.own.append(found["own"])
        self.orders.append(self.counts["orders"] / found["seconds"])
        return float(found["seconds"])

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


@asynccontextmanager
async def reading(plan: Plan, role: str, **store: Any) -> AsyncIterator[Reading]:
    """A store of that role and a worker in processes of their own."""
    shop = await plan.child(role, **store)
    led = {**shop.ready["settings"], "outbound_allow": tuple(shop.ready["settings"]["outbound_allow"])}
    settings = plan.settings.model_copy(update=led)
    admin = await connect_once(plan.admin_url)
    try:
        # The store's budget protects real hosts; here it would only measure itself.
        await admin.execute(_LIMITS, shop.ready["platform"])
        worker = await plan.child("worker", settings=settings.model_dump(mode="json"))
        yield Reading(store=shop, worker=worker, admin=admin)
    finally:
        await admin.close()
        await plan.dismiss()


async def against_floors(plan: Plan, bench: str, case: str, read: Reading, *, rounds: int) -> None:
    """Rows a second from an empty ledger beside COPY; the same in orders beside the store's own speed; the worker's memory."""

    async def synced() -> float:
        took = await read.first()
        read.kept = await tables.taken(read.admin)
        return read.rows / took

    async def copied() -> float:
        await tables.empty(read.admin)
        return read.rows / await tables.copied(read.admin, read.kept)

    ours, floor = await in_turn(rounds, synced, copied)
    rows = ", ".join(f"{count:,} {table}" for table, count in read.counts.items() if count)
    plan.found(
        beside(
            bench,
            case,
            "rows/s",
            ours,
            floor,
            bar=BAR,
            bound="at_least",
            sample=f"{rounds} rounds in turn of {rows}",
            note="COPY of the text those tables give, in one transaction, as their owner",
        )
    )
    await _beside_the_store(plan, bench, read)
    peak = (await read.worker.ask(do="memory"))["peak"] / (1 << 20)
    plan.found(
        Finding(
            bench=bench, case="… the worker's peak memory", unit="MB", ours=peak, bar=BAR_MEGABYTES, note="resident"
        )
    )
    if plan.profile:
        await read.worker.ask(do="profile")
        await read.first()
        plan.keep_profile(f"{bench} {case}", (await read.worker.ask(do="profiled"))["lines"])


async def _beside_the_store(plan: Plan, bench: str, read: Reading) -> None:
    orders, served = read.counts["orders"], []
    for _ in range(2):
        found = await read.worker.ask(do="download")
        if found["refused"]:
            raise ChildFailed(f"the store refused {found['refused']} of {found['requests']} requests made again")
        served.append(orders / found["seconds"])
    own = 1e6 * median(read.own) / orders
    plan.found(
        beside(
            bench,
            "… against the store's own speed",
            "orders/s",
            read.orders,
            served,
            sample=f"a bare client makes the same {found['requests']} requests, {found['bytes'] / 1e6:.1f} MB",
            note=f"the worker's own work: {own:.0f} us of an order with all that belongs to it",
        )
    )
