"""The same store read whole once more: nothing is new, so it has to be faster than the first time."""

from __future__ import annotations

from portal.bench.finding import beside
from portal.bench.plan import Plan
from portal.bench.rounds import in_turn
from portal.bench.syncs import reading

NAME = "replay"
BAR = 2.0


async def measure(plan: Plan) -> None:
    """Orders a second of the first sync and of the one after it, whose cursors are gone."""
    orders = plan.size(10_000, 1_000)
    async with reading(plan, "printed_store", orders=orders, lines=3) as read:

        async def first() -> float:
            return orders / await read.first()

        async def again() -> float:
            return orders / float((await read.worker.ask(do="again"))["seconds"])

        await first()
        ours, floor = await in_turn(plan.size(3, 1), again, first)
    sample = f"{len(ours)} rounds in turn of {orders:,} orders of three items"
    note = "the floor is the first sync of the same store"
    plan.found(
        beside(
            NAME, "the same data again", "orders/s", ours, floor, bar=BAR, bound="at_least", sample=sample, note=note
        )
    )
