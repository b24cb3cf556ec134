"""A long history: orders of five items from a store whose pages cost nothing, so that the portal alone is measured."""

from __future__ import annotations

from portal.bench.plan import Plan
from portal.bench.syncs import against_floors, reading

NAME = "backfill"
LINES = 5


async def measure(plan: Plan) -> None:
    """As `ingest`; 50,000 orders with `--full`."""
    orders = 50_000 if plan.full else plan.size(10_000, 1_000)
    async with reading(plan, "printed_store", orders=orders, lines=LINES) as read:
        case = f"{orders:,} orders of {LINES} items"
        await against_floors(plan, NAME, case, read, rounds=1 if plan.full else plan.size(3, 1))
