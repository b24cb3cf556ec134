"""Each platform's first sync, end to end over HTTP with one worker, from the sandbox."""

from __future__ import annotations

from portal.bench.plan import Plan
from portal.bench.syncs import against_floors, reading

NAME = "ingest"
ORDERS = {"woocommerce": 20_000, "shopify": 5_000, "amazon": 5_000}


async def measure(plan: Plan) -> None:
    """Rows and orders a second; the sync's own time from its start to its success."""
    for platform, orders in ORDERS.items():
        async with reading(plan, "store", platform=platform, orders=plan.size(orders, 500)) as read:
            await against_floors(plan, NAME, f"first sync, {platform}", read, rounds=plan.size(3, 1))
