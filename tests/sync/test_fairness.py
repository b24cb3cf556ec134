"""Nobody's work stands in another's way: lanes, and the crowds beside them. Events are ordered, nothing is timed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sync.engine import Outcome
from portal.sync.jobs import BACKFILL, BACKFILL_CROWD, SYNC, SYNC_CROWD
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.test_worker import status, until, working


async def jobs(rt: Runtime, org: UUID) -> list[tuple[str, int]]:
    """The organization's waiting jobs as (lane, priority), in the order in which they were asked for."""
    async with tenant(rt.database, org, read_only=True) as scope:
        rows = await scope.sql.fetch(
            """SELECT q.entrypoint, q.priority FROM client_api_sync_results r
               JOIN pgqueuer q ON q.dedupe_key = 'run:' || r.run_id::text ORDER BY r.id"""
        )
    return [(row["entrypoint"], row["priority"]) for row in rows]


async def finished(shop: Shop) -> Any:
    return (await shop.last_run())["finished_at"]


async def test_backfills_that_fill_their_lanes_let_another_clients_new_order_pass(
    rt: Runtime, connect: Connect, other_org: UUID
) -> None:
    specs = [
        SandboxStoreSpec(name="huge", orders=2000, seed=3),
        SandboxStoreSpec(name="small", orders=30, seed=4),
    ]
    async with Sandbox(specs) as sandbox:
        small = await connect(sandbox, "small", to=other_org)
        assert await small.sync("first") is Outcome.SUCCESS
        huge = [await connect(sandbox, "huge") for _ in range(6)]
        sandbox.control("huge", "fault", kind="slow", times=100_000, seconds=1, path="orders")
        for shop in huge:
            await shop.request("first")
        async with working(rt):

            async def lanes_are_full() -> bool:
                return [await status(shop) for shop in huge].count("running") >= 3

            await until(lanes_are_full)
            placed = small.control("place_order", total="9.99")
            await small.request("webhook")

            async def done() -> bool:
                return await status(small) == "success"

            await until(done)
            assert [await status(shop) for shop in huge].count("success") == 0, "they are still at it"
            sandbox.control("huge", "clear_faults")
            held = f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed['order_id']}'"
            assert await small.value(held) == 1
            await asyncio.sleep(0)
            for shop in huge:
                async with tenant(rt.database, shop.org) as scope:
                    await scope.sql.execute(
                        "UPDATE client_api_credentials SET status = 'paused' WHERE id = $1", shop.connection_id
                    )


async def test_many_stores_of_one_client_do_not_stand_before_one_of_another(
    rt: Runtime, connect: Connect, other_org: UUID
) -> None:
    specs = [SandboxStoreSpec(name="one", orders=5, seed=4), SandboxStoreSpec(name="many", orders=5, seed=5)]
    async with Sandbox(specs) as sandbox:
        many = [await connect(sandbox, "many") for _ in range(8)]
        one = await connect(sandbox, "one", to=other_org)
        for shop in [*many, one]:
            assert await shop.sync("first") is Outcome.SUCCESS
        sandbox.control("many", "fault", kind="slow", times=100_000, seconds=1, path="orders")
        for shop in many:
            await shop.request("schedule")
        await one.request("schedule")  # asked for last
        assert await jobs(rt, many[0].org) == [(SYNC, 0), (SYNC, 0), *((SYNC_CROWD, -n) for n in range(6))]
        assert await jobs(rt, other_org) == [(SYNC, 0)]
        async with working(rt):

            async def all_done() -> bool:
                return all([await status(shop) == "success" for shop in [*many, one]])

            await until(all_done, 60)
        mine = await finished(one)
        assert sum([await finished(shop) > mine for shop in many]) >= 4


async def test_large_clients_take_turns(rt: Runtime, sandbox: Sandbox, connect: Connect, other_org: UUID) -> None:
    mine = [await connect(sandbox, "empty") for _ in range(4)]
    theirs = [await connect(sandbox, "empty", to=other_org) for _ in range(4)]
    for shop in [*mine, *theirs]:
        await shop.request("first")
    for org in (mine[0].org, other_org):
        assert await jobs(rt, org) == [(BACKFILL, 20), (BACKFILL_CROWD, 20), (BACKFILL_CROWD, 19), (BACKFILL_CROWD, 18)]
    # Asking again moves nobody before others, and makes nothing twice.
    await mine[3].request("first")
    assert len(await jobs(rt, mine[0].org)) == 4
