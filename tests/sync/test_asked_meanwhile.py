"""A person asks for a sync while one that nobody asked for waits or is under way: what it passes over is read all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from portal.sandbox import Sandbox
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.tenancy.scope import tenant
from tests.sync.conftest import QUICK, Connect, Shop

SELDOM_READ = "coupons"


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    """A shop that has been read once: its coupons are not due again for hours."""
    made = await connect(own_sandbox)
    assert await made.sync("first") is Outcome.SUCCESS
    return made


async def read_at(shop: Shop) -> Any:
    """When the stream that is seldom due was read to its end."""
    return await shop.value(
        f"SELECT completed_at FROM sync_cursors WHERE connection_id = $1 AND stream = '{SELDOM_READ}'"
    )


async def runs(shop: Shop) -> int:
    return int(await shop.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1"))


async def under_way(shop: Shop, meanwhile: Callable[[], object]) -> Outcome:
    """A scheduled run, held up by a slow store until `meanwhile` was done."""
    run_id = await shop.request("schedule")
    shop.control("fault", kind="slow", times=1, seconds=1.0)
    running = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK))
    async with asyncio.timeout(10):
        while (await shop.last_run())["status"] != "running":
            await asyncio.sleep(0.01)
    made = meanwhile()
    if asyncio.iscoroutine(made):
        await made
    return await running


async def test_a_scheduled_run_passes_over_what_is_not_due(shop: Shop) -> None:
    before = await read_at(shop)
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await read_at(shop) == before


async def test_a_reading_dated_in_the_future_by_a_clock_that_was_ahead_is_due(shop: Shop) -> None:
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE sync_cursors SET completed_at = now() + interval '30 days'")
    ahead = await read_at(shop)
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await read_at(shop) < ahead


async def test_a_waiting_run_that_a_person_asks_for_reads_what_is_not_due(shop: Shop) -> None:
    before, waiting = await read_at(shop), await shop.request("schedule")
    assert await shop.request("manual") == waiting
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await read_at(shop) > before
    assert (await shop.last_run())["trigger"] == "manual"


async def test_a_run_under_way_goes_round_once_more_when_a_person_asks(shop: Shop) -> None:
    before, count = await read_at(shop), await runs(shop)
    assert await under_way(shop, lambda: shop.request("manual")) is Outcome.SUCCESS
    assert await read_at(shop) > before
    assert await runs(shop) == count + 1, "one run, not two"
    run = await shop.last_run()
    assert (run["status"], run["trigger"], run["attempts"]) == ("success", "manual", 1)


async def test_a_delivery_that_asks_while_a_run_is_under_way_makes_the_next_one_due(shop: Shop) -> None:
    async def due() -> bool:
        return bool(await shop.value("SELECT next_sync_at <= now() FROM client_api_credentials WHERE id = $1"))

    assert await under_way(shop, lambda: shop.request("webhook")) is Outcome.SUCCESS
    assert await due()
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert not await due(), "once"


async def test_a_delivery_that_asks_before_the_run_begins_needs_no_other_one(shop: Shop) -> None:
    await shop.request("schedule")
    await shop.request("webhook")
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert not await shop.value("SELECT next_sync_at <= now() FROM client_api_credentials WHERE id = $1")


async def test_the_schedule_and_a_delivery_do_not_send_a_run_round_again(shop: Shop) -> None:
    before = await read_at(shop)

    async def both() -> None:
        await shop.request("webhook")
        await shop.request("schedule")

    assert await under_way(shop, both) is Outcome.SUCCESS
    assert await read_at(shop) == before


async def test_a_first_run_stays_the_first_one_whoever_asks(own_sandbox: Sandbox, connect: Connect) -> None:
    made = await connect(own_sandbox)
    await made.request("first")
    assert await made.sync("manual") is Outcome.SUCCESS
    assert (await made.last_run())["trigger"] == "first"
