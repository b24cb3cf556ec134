"""Runs of chosen streams, and runs from a day on: beside the ordinary ones, never instead of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.foundation.errors import Conflict, Invalid
from portal.sandbox import Sandbox
from portal.sync import engine
from portal.sync.engine import Busy, Outcome
from portal.sync.jobs import request_sync
from portal.sync.schedule import request_due
from portal.sync.stream import Patience
from portal.tenancy.scope import tenant
from tests.sync.conftest import QUICK, Connect, Shop

LONG_AGO = date(2015, 1, 1)
WITHOUT = Patience(waits=(), longest_wait=1.0, page_seconds=20.0)


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    """A shop that has been read once."""
    made = await connect(own_sandbox)
    assert await made.sync("first") is Outcome.SUCCESS
    return made


async def cursors(shop: Shop) -> dict[str, Any]:
    """The committed places of the ordinary runs; comparisons have theirs beside them."""
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        rows = await scope.sql.fetch(
            """SELECT stream, cursor, phase, done, completed_at FROM sync_cursors
               WHERE connection_id = $1 AND stream NOT LIKE 'ids:%'""",
            shop.connection_id,
        )
    return {row["stream"]: tuple(row.values())[1:] for row in rows}


async def falsify(shop: Shop, count: int = 5) -> None:
    """The ledger is wrong about some orders, as after a fault: no increment would ever read them again."""
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            """UPDATE orders SET note = 'wrong', modified_at = '2001-01-01', content = '\\x00' WHERE external_id IN (
                 SELECT external_id FROM orders WHERE connection_id = $1 AND source_status <> 'trash'
                 ORDER BY external_id LIMIT $2)""",
            shop.connection_id,
            count,
        )


async def wrong(shop: Shop) -> int:
    return int(await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1 AND note = 'wrong'"))


async def test_one_stream_alone_is_read_from_where_it_stands_and_the_others_wait(shop: Shop) -> None:
    before, connection = await cursors(shop), await shop.connection()
    shop.control("place_order", total="12.34")
    assert await shop.sync(streams=["orders"]) is Outcome.SUCCESS
    after = await cursors(shop)
    assert after.pop("orders") != before.pop("orders")
    assert after == before
    assert await shop.held() == shop.true()
    now = await shop.connection()
    for unmoved in ("last_success_at", "next_sync_at", "status", "consecutive_failures"):
        assert now[unmoved] == connection[unmoved], unmoved


async def test_from_a_day_on_what_is_wrong_here_is_read_again_and_no_cursor_moves(shop: Shop) -> None:
    before, connection = await cursors(shop), await shop.connection()
    await falsify(shop)
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await wrong(shop) == 5, "increments do not see it"
    before = await cursors(shop)
    assert await shop.sync(streams=["orders", "refunds"], since=LONG_AGO) is Outcome.SUCCESS
    assert await wrong(shop) == 0
    assert await cursors(shop) == before
    run = await shop.last_run()
    assert run["rows_changed"] > 0
    assert run["rows_fetched"] > 50
    assert (await shop.connection())["last_success_at"] > connection["last_success_at"], "of the schedule's run"
    await shop.sync(streams=["orders", "refunds"], since=LONG_AGO)
    assert (await shop.last_run())["rows_changed"] == 0, "what is the same changes nothing"


async def test_only_what_changed_since_the_day_is_asked_for(shop: Shop) -> None:
    now = datetime.now(UTC)
    for order in shop.store.orders.values():
        order.modified = int((now - timedelta(days=40)).timestamp())
    placed = shop.control("place_order", total="3.00")
    assert await shop.sync(streams=["orders"], since=(now - timedelta(days=5)).date()) is Outcome.SUCCESS
    assert await shop.value(
        f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed['order_id']}'"
    )
    assert (await shop.last_run())["rows_fetched"] < 30, "the trash, and what is compared, is little"


async def test_a_stream_without_a_beginning_in_the_middle_is_read_whole(shop: Shop) -> None:
    before = await cursors(shop)
    assert await shop.sync(streams=["customers"], since=date.today() - timedelta(days=1)) is Outcome.SUCCESS
    assert (await shop.last_run())["rows_fetched"] == len(shop.store.customers)
    assert await cursors(shop) == before


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"streams": ["wishes"]}, "streams"),
        ({"streams": []}, "streams"),
        ({"streams": ["orders"], "since": date.today() + timedelta(days=2)}, "since"),
        ({"since": date(1989, 12, 31)}, "since"),
        ({"since": date.max}, "since"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_field(shop: Shop, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await shop.request(**asked)
    assert set(refused.value.fields) == {field}


async def test_a_first_reading_that_is_not_finished_needs_no_day(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    with pytest.raises(Invalid, match="check"):
        await shop.request(streams=["orders"], since=LONG_AGO)
    with pytest.raises(Invalid):
        await shop.request(since=LONG_AGO)


async def test_two_tabs_asking_for_the_same_get_one_run_and_another_wish_is_told_what_runs(shop: Shop) -> None:
    first = await shop.request(streams=["orders"], since=LONG_AGO)
    assert await shop.request(streams=["orders"], since=LONG_AGO) == first
    with pytest.raises(Conflict, match="Orders since 1 Jan 2015"):
        await shop.request(streams=["refunds"])
    ordinary = await shop.request()
    assert ordinary != first, "an ordinary sync is not held up by it"
    assert await shop.request("schedule") == ordinary


async def test_choosing_every_stream_is_an_ordinary_run(shop: Shop) -> None:
    every = ["taxes", "coupons", "customers", "refunds", "orders", "products"]
    assert await shop.request(streams=every) == await shop.request("schedule")


async def test_the_schedule_is_not_skipped_because_of_it(shop: Shop) -> None:
    mine = await shop.request(streams=["orders"], since=LONG_AGO)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET next_sync_at = now() WHERE id = $1", shop.connection_id
        )
    await request_due(shop.rt)
    rows = await shop.value(
        f"SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1 AND status = 'queued' AND run_id <> '{mine}'"
    )
    assert rows == 1


async def test_it_steps_aside_for_an_ordinary_run_and_goes_on_where_it_was(shop: Shop) -> None:
    mine = await shop.request(streams=["products", "orders"], since=LONG_AGO)
    shop.control("fault", kind="slow", times=1, seconds=1, path="orders")
    reading = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, mine, patience=QUICK))
    async with asyncio.timeout(10):
        while not await shop.value(
            "SELECT bool_or(request->'places' ? 'products') FROM client_api_sync_results WHERE connection_id = $1"
        ):
            await asyncio.sleep(0.02)
    placed = shop.control("place_order", total="8.00")
    ordinary = await shop.request("webhook")
    assert await reading is Outcome.ASIDE
    with pytest.raises(Busy):
        await engine.run(shop.rt, shop.org, shop.connection_id, mine, patience=QUICK)
    assert await engine.run(shop.rt, shop.org, shop.connection_id, ordinary, patience=QUICK) is Outcome.SUCCESS
    assert await shop.value(
        f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed['order_id']}'"
    )
    products = (await places(shop, mine))["products"]
    assert await engine.run(shop.rt, shop.org, shop.connection_id, mine, patience=QUICK) is Outcome.SUCCESS
    assert (await places(shop, mine))["products"] == products, "read once"
    run = await shop.row(f"SELECT * FROM client_api_sync_results WHERE connection_id = $1 AND run_id = '{mine}'")
    assert run["attempts"] == 1, "stepping aside is no failure"
    await shop.assert_equal_to_truth()


async def places(shop: Shop, run_id: Any) -> dict[str, Any]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        found = await scope.sql.fetchval("SELECT request FROM client_api_sync_results WHERE run_id = $1", run_id)
    from portal.sync.asked import decode

    asked = decode(found)
    assert asked is not None
    return dict(asked.places)


async def test_passing_trouble_is_gone_on_with_later_and_the_connection_is_not_called_ill(shop: Shop) -> None:
    connection = await shop.connection()
    shop.control("fault", kind="500", times=1000, path="orders")
    mine = await shop.request(streams=["products", "orders"], since=LONG_AGO)
    assert await engine.run(shop.rt, shop.org, shop.connection_id, mine, patience=WITHOUT) is Outcome.FAILED
    run = await shop.last_run()
    assert run["status"] == "failed"
    assert run["again_at"] > datetime.now(UTC)
    now = await shop.connection()
    for unmoved in ("status", "last_error", "consecutive_failures", "next_sync_at", "last_success_at"):
        assert now[unmoved] == connection[unmoved], unmoved
    shop.control("clear_faults")
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_sync_results SET again_at = now() WHERE again_at IS NOT NULL")
    await request_due(shop.rt)
    later = await shop.last_run()
    assert (later["trigger"], later["status"]) == ("retry", "queued")
    assert (await places(shop, later["run_id"]))["products"].finished
    assert await engine.run(shop.rt, shop.org, shop.connection_id, later["run_id"], patience=QUICK) is Outcome.SUCCESS
    assert (
        await shop.value(
            "SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1 AND again_at IS NOT NULL"
        )
        == 0
    )


async def test_a_refused_key_is_not_tried_again_by_itself(shop: Shop) -> None:
    shop.control("revoke_keys")
    assert await shop.sync(streams=["orders"], since=LONG_AGO) is Outcome.FAILED
    run = await shop.last_run()
    assert run["again_at"] is None
    assert run["advice"]


async def test_stopping_ends_both_kinds_and_what_would_go_on(shop: Shop) -> None:
    from portal.sync import runs

    await shop.request(streams=["orders"], since=LONG_AGO)
    await shop.request()
    async with tenant(shop.rt.database, shop.org) as scope:
        assert await runs.cancel(scope, shop.connection_id)
        assert not await runs.cancel(scope, shop.connection_id)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_sync_results SET again_at = now() WHERE request IS NOT NULL")
        assert await runs.cancel(scope, shop.connection_id)
    assert (
        await shop.value(
            "SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1 AND again_at IS NOT NULL"
        )
        == 0
    )


async def test_a_lost_job_of_such_a_run_is_put_back(shop: Shop) -> None:
    mine = await shop.request(streams=["orders"], since=LONG_AGO)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
        await scope.sql.execute("UPDATE client_api_sync_results SET queued_at = now() - interval '5 minutes'")
    await request_due(shop.rt)
    async with tenant(shop.rt.database, shop.org) as scope:
        assert await scope.sql.fetchval("SELECT count(*) FROM pgqueuer WHERE dedupe_key = $1", f"run:{mine}") == 1
        row, _ = await request_sync(scope, org_id=shop.org, connection_id=shop.connection_id, trigger="schedule")
    assert row
