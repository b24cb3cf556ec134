"""What a change of a past day's total leaves in the log, to the cent and with its reasons."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from portal.commerce import locks
from portal.commerce.ledger import Writing
from portal.commerce.records import OrderStatus
from portal.commerce.restatements import restated
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, connect, deleted, order, refund

YESTERDAY = NOON - timedelta(days=1)


async def state(store: Store, *, until: Any = NOON, phase: str = "incremental") -> None:
    """A run of the store ended at `until`: the days before are stated."""
    async with tenant(store.rt.database, store.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET last_success_at = $2 WHERE id = $1", store.connection_id, until
        )
        await scope.sql.execute(
            """INSERT INTO sync_cursors (org_id, connection_id, stream, phase) VALUES ($1, $2, 'orders', $3)
               ON CONFLICT (org_id, connection_id, stream) DO UPDATE SET phase = excluded.phase""",
            store.org,
            store.connection_id,
            phase,
        )


async def log(store: Store) -> list[dict[str, Any]]:
    rows = await store.rows("SELECT * FROM restatements ORDER BY id")
    return [row | {"reasons": json.loads(row["reasons"])} for row in rows]


@pytest.fixture
async def told(store: Store) -> Store:
    """A store with 100.00 yesterday in two orders, stated."""
    await store.write(order("1", total="60", at=YESTERDAY), order("2", total="40", at=YESTERDAY))
    await state(store)
    return store


async def test_nothing_is_logged_before_a_run_has_ended(store: Store):
    await store.write(order("1", at=YESTERDAY))
    await store.write(order("1", total="90", at=YESTERDAY, version=1))
    await state(store, phase="backfill")
    await store.write(order("1", total="80", at=YESTERDAY, version=2))
    assert await log(store) == []


async def test_two_refunds_and_a_late_order_restate_a_day(told: Store):
    await told.write(
        refund("r1", order_id="1", amount="10.50", at=YESTERDAY),
        refund("r2", order_id="2", amount="5", at=YESTERDAY),
        order("3", total="7.25", at=YESTERDAY + timedelta(hours=2)),
    )
    [row] = await log(told)
    assert (row["day"], row["currency"]) == (YESTERDAY.date(), "USD")
    assert (row["before_revenue"], row["after_revenue"]) == (Decimal("100"), Decimal("91.75"))
    assert (row["before_orders"], row["after_orders"]) == (2, 3)
    assert row["reasons"] == {"late_orders": 1, "refunds": 2}


async def test_today_is_not_stated_yet(told: Store):
    await told.write(order("9", at=NOON), refund("r9", order_id="1", amount="1", at=NOON))
    await told.write(order("9", total="50", at=NOON, version=1))
    assert await log(told) == []


async def test_an_edit_a_cancellation_and_a_deletion_are_told_apart(told: Store):
    await told.write(order("1", total="61", at=YESTERDAY, version=1))
    await told.write(order("2", total="40", at=YESTERDAY, version=1, status=OrderStatus.CANCELLED))
    await told.write(deleted("1"))
    rows = await log(told)
    assert [row["reasons"] for row in rows] == [{"edited_orders": 1}, {"uncounted_orders": 1}, {"deleted_orders": 1}]
    assert [row["after_revenue"] for row in rows] == [101, 61, 0]
    assert all(one["after_revenue"] == two["before_revenue"] for one, two in pairwise(rows))


async def test_what_changes_no_total_is_not_told(told: Store):
    await told.write(order("1", total="60", at=YESTERDAY, version=1, note="by the door"))
    await told.write(order("1", total="60", at=YESTERDAY, version=1, note="by the door"))
    await told.write(order("5", total="5", at=YESTERDAY), deleted("5"))
    assert await log(told) == []


async def test_an_order_that_moves_to_another_day_restates_both_past_days(told: Store):
    earlier = YESTERDAY - timedelta(days=1)
    await told.write(order("1", total="60", at=earlier, version=1))
    rows = {row["day"]: row for row in await log(told)}
    assert (rows[YESTERDAY.date()]["before_revenue"], rows[YESTERDAY.date()]["after_revenue"]) == (100, 40)
    assert (rows[earlier.date()]["before_revenue"], rows[earlier.date()]["after_revenue"]) == (0, 60)
    assert {tuple(row["reasons"].items()) for row in rows.values()} == {(("edited_orders", 1),)}


async def test_an_order_that_moves_to_today_leaves_its_past_day(told: Store):
    await told.write(order("1", total="60", at=NOON, version=1))
    [row] = await log(told)
    assert (row["before_orders"], row["after_orders"], row["after_revenue"]) == (2, 1, 40)


async def test_cancelling_an_order_takes_its_refund_back_too(told: Store):
    await told.write(refund("r1", order_id="1", amount="10", at=YESTERDAY))
    await told.write(order("1", total="60", at=YESTERDAY, version=1, status=OrderStatus.CANCELLED))
    row = (await log(told))[-1]
    assert (row["before_revenue"], row["after_revenue"]) == (90, 40)
    assert row["reasons"] == {"uncounted_orders": 1, "uncounted_refunds": 1}


async def test_a_deleted_refund_gives_its_money_back_to_its_day(told: Store):
    await told.write(refund("r1", order_id="1", amount="10", at=YESTERDAY))
    await told.write(deleted("r1", "refunds"))
    row = (await log(told))[-1]
    assert (row["before_revenue"], row["after_revenue"], row["reasons"]) == (90, 100, {"deleted_refunds": 1})


async def test_days_are_the_organizations(told: Store):
    await told.configure(timezone="America/Los_Angeles")
    # Stated until the 10th, 05:00 in Los Angeles: 01:00 UTC of the 10th is still the 9th there.
    await told.write(order("4", total="3", at=NOON - timedelta(hours=11)))
    [row] = await log(told)
    assert row["day"] == YESTERDAY.date()


async def test_money_without_a_rate_restates_orders_but_not_revenue(told: Store):
    await told.write(order("4", total="3", currency="EUR", at=YESTERDAY))
    [row] = await log(told)
    assert (row["before_revenue"], row["after_revenue"], row["after_orders"]) == (100, 100, 3)


async def test_another_store_of_the_organization_has_its_own_log(rt: Runtime, org: UUID, told: Store):
    other = await connect(rt, org)
    await other.write(order("1", at=YESTERDAY))
    assert await log(told) == []


async def test_a_copy_the_store_was_asked_for_stands_over_a_newer_date_and_a_mistaken_deletion(store: Store):
    await store.write(order("1", total="60", version=5), minutes=6)
    await store.write(deleted("1", minutes=7), minutes=7)
    assert await store.net() == 0
    old = order("1", total="55", version=1)
    assert not (await store.write(old, minutes=20)).changed, "an old copy by the ordinary road"
    asked = NOON + timedelta(minutes=19)
    assert (await store.write(old, minutes=20, asked_at=asked)).changed == {"orders": 1}
    assert await store.net() == 55
    assert not (await store.write(old, minutes=21, asked_at=asked)).changed
    # What arrived after the question is newer than its answer.
    await store.write(order("1", total="70", version=6), minutes=30)
    assert not (await store.write(old, minutes=31, asked_at=NOON + timedelta(minutes=29))).changed
    assert await store.net() == 70


async def test_batches_of_one_run_leave_one_line_of_a_day(told: Store):
    await told.write(order("1", total="61", at=YESTERDAY, version=1), work="run:1")
    await told.write(order("3", total="7", at=YESTERDAY), refund("r1", order_id="2", at=YESTERDAY), work="run:1")
    await told.write(order("1", total="62", at=YESTERDAY, version=2), work="run:1")
    [row] = await log(told)
    assert (row["before_revenue"], row["after_revenue"]) == (100, 79)
    assert (row["before_orders"], row["after_orders"]) == (2, 3)
    assert row["reasons"] == {"edited_orders": 2, "late_orders": 1, "refunds": 1}


async def test_a_delivery_between_two_batches_begins_a_line_of_its_own_so_that_the_lines_stay_a_chain(told: Store):
    await told.write(order("1", total="61", at=YESTERDAY, version=1), work="run:1")
    await told.write(order("1", total="62", at=YESTERDAY, version=2))
    await told.write(order("1", total="63", at=YESTERDAY, version=3), work="run:1")
    await told.write(order("1", total="64", at=YESTERDAY, version=4), work="run:2")
    await told.write(order("1", total="65", at=YESTERDAY, version=5), work="run:2")
    rows = await log(told)
    assert [row["after_revenue"] for row in rows] == [101, 102, 103, 105]
    assert all(one["after_revenue"] == two["before_revenue"] for one, two in pairwise(rows))
    [day], _ = await told.ask(restated)
    assert (day.before_revenue, day.after_revenue, day.times, day.reasons) == (100, 105, 4, {"edited_orders": 5})


async def test_lines_of_two_reporting_currencies_are_never_one(told: Store):
    await told.write(order("1", total="61", at=YESTERDAY, version=1), work="run:1")
    await told.configure(reporting_currency="EUR")
    await told.write(order("3", total="5", currency="EUR", at=YESTERDAY), work="run:1")
    assert [row["currency"] for row in await log(told)] == ["USD", "EUR"]


async def test_an_order_that_comes_back_from_today_is_an_edited_one(told: Store):
    await told.write(order("9", total="9", at=NOON))
    await told.write(order("9", total="9", at=YESTERDAY, version=1))
    [row] = await log(told)
    assert (row["before_revenue"], row["after_revenue"], row["reasons"]) == (100, 109, {"edited_orders": 1})


async def test_an_order_of_a_stated_day_written_and_changed_in_one_transaction_is_told_once(told: Store):
    async with tenant(told.rt.database, told.org) as scope:
        writing = await Writing.begin(scope, told.org, told.connection_id, arrived_at=NOON)
        await writing.put([order("7", total="7", at=YESTERDAY), refund("r7", order_id="7", amount="2", at=YESTERDAY)])
        await writing.put(
            [order("7", total="8", at=YESTERDAY, version=1), order("1", at=YESTERDAY, version=1, total="50")]
        )
        await writing.put([order("1", at=YESTERDAY, version=2, total="60")])
        await writing.finish()
    [row] = await log(told)
    assert (row["before_revenue"], row["after_revenue"]) == (100, 106)
    assert row["reasons"] == {"late_orders": 1, "refunds": 1}


async def test_a_batch_that_waited_while_its_source_began_to_count_is_told(told: Store):
    async with tenant(told.rt.database, told.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET shadow = true")
    async with tenant(told.rt.database, told.org) as scope:
        await locks.everything(scope, told.org)
        writing = asyncio.create_task(told.write(order("late", total="7", at=YESTERDAY), minutes=5))
        await asyncio.sleep(0.2)
        await scope.sql.execute("UPDATE client_api_credentials SET shadow = false")
    await writing
    assert [(row["before_revenue"], row["after_revenue"]) for row in await log(told)] == [(100, 107)]


async def test_days_before_its_source_counts_are_not_restated(told: Store):
    async with tenant(told.rt.database, told.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET counts_from = $1", YESTERDAY.date())
    before = YESTERDAY - timedelta(days=1)
    await told.write(order("3", total="7", at=before))
    await told.write(order("3", total="9", at=before, version=1), deleted("3"))
    assert await log(told) == []
    await told.write(order("4", total="5", at=before))
    await told.write(order("4", total="5", at=YESTERDAY, version=1), order("2", total="41", at=YESTERDAY, version=1))
    [row] = await log(told)
    assert (row["day"], row["before_revenue"], row["after_revenue"]) == (YESTERDAY.date(), 100, 106)
    await told.write(order("2", total="41", at=before, version=2))
    assert [(row["day"], row["after_revenue"]) for row in (await log(told))[1:]] == [(YESTERDAY.date(), 65)]


async def test_a_batch_that_changes_no_total_of_a_stated_day_makes_no_statement_for_it(told: Store):
    asked: list[str] = []
    noted = [order("1", total="60", at=YESTERDAY, version=1, note="by the door"), order("8", at=NOON)]
    await _traced(told, noted, asked)
    assert not any("restatements" in statement for statement in asked)
    asked.clear()
    await _traced(told, [order("8", total="3", at=NOON, version=2)], asked)
    assert not any("RETURNING external_id" in statement for statement in asked), "of today nothing is even returned"
    await _traced(told, [order("1", total="1", at=YESTERDAY, version=2)], asked)
    assert sum("restatements" in statement for statement in asked) == 1


async def _traced(store: Store, records: list[Any], asked: list[str]) -> None:
    async with tenant(store.rt.database, store.org) as scope:
        with scope.sql.query_logger(lambda record: asked.append(record.query)):
            writing = await Writing.begin(scope, store.org, store.connection_id, arrived_at=NOON)
            await writing.put(records)
            await writing.finish()
