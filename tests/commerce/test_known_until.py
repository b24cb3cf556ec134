"""Today where a source ends: what nobody can know is unknown, and what is compared is of the same sources and hours."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from portal.commerce import queries
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, connect, line, order, product, refund

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)
TODAY = ("total_revenue", "total_orders", "avg_order_value", "revenue_vs_last_week_pct", "orders_vs_last_week_pct",
         "aov_vs_last_week_pct", "fulfillment_rate_pct")  # fmt: skip


@pytest.fixture
async def files(rt: Runtime, org: UUID) -> Store:
    """A source that nobody reads: uploaded files."""
    made = await connect(rt, org)
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET polled = false WHERE id = $1", made.connection_id)
    return made


async def test_a_file_that_ends_before_today_says_nothing_of_today_and_nothing_against_last_week(files: Store):
    await files.write(order("1", total="50", at=NOON - DAY), order("2", total="80", at=NOON - WEEK - HOUR))
    row = await files.ask(queries.sales_pulse)
    assert {row[name] for name in TODAY} == {None}
    assert row["today_by_hour"] == row["last_week_by_hour"] == [None] * 24
    assert row["revenue_14d"] == [0] * 6 + [80] + [0] * 5 + [50, None], "the day after its end is no day without sales"
    assert row["orders_14d"][-2:] == [1, None]


async def test_a_file_whose_last_order_is_of_today_is_known_until_then_and_compared_until_then(files: Store):
    await files.write(
        order("1", total="30", at=NOON - 3 * HOUR),
        order("2", total="20", at=NOON - WEEK - 3 * HOUR),
        order("3", total="1000", at=NOON - WEEK - HOUR),
    )
    row = await files.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["revenue_vs_last_week_pct"]) == (30, 1, 50)
    assert row["orders_vs_last_week_pct"] == 0
    assert row["known_until"] == NOON - 3 * HOUR
    assert row["today_by_hour"] == [0] * 9 + [30] + [None] * 14


async def test_a_refund_of_today_lets_a_file_know_today_as_well(files: Store):
    await files.write(order("1", at=NOON - DAY), refund(amount="5", at=NOON - HOUR))
    row = await files.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["known_until"]) == (-5, 0, NOON - HOUR)


async def test_days_without_times_are_compared_with_no_part_of_last_week(files: Store):
    midnight = NOON - 12 * HOUR
    await files.write(order("1", total="30", at=midnight), order("2", total="90", at=midnight - WEEK))
    row = await files.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"]) == (30, 1)
    assert row["revenue_vs_last_week_pct"] is row["orders_vs_last_week_pct"] is row["aov_vs_last_week_pct"] is None


async def test_beside_a_live_store_a_file_that_ended_is_in_neither_side_of_the_comparison(files: Store, store: Store):
    await files.write(order("1", at=NOON - 2 * DAY), order("2", total="900", at=NOON - WEEK))
    await store.write(order("3", total="60"), order("4", total="50", at=NOON - WEEK))
    row = await files.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["revenue_vs_last_week_pct"]) == (60, 1, 20)
    assert row["last_week_by_hour"][12] == 50
    assert row["known_until"] is None, "the live store is known until now"
    assert row["revenue_14d"][6] == 950


async def test_what_files_counted_before_a_switch_is_what_the_live_store_is_compared_with(files: Store, store: Store):
    await files.write(order("1", total="50", at=NOON - WEEK))
    await store.write(order("2", total="60"))
    async with tenant(files.rt.database, files.org) as scope:
        switched = "UPDATE client_api_credentials SET counts_until = $2 WHERE id = $1"
        await scope.sql.execute(switched, files.connection_id, (NOON - 3 * DAY).date())
        switched = "UPDATE client_api_credentials SET counts_from = $2 WHERE id = $1"
        await scope.sql.execute(switched, store.connection_id, (NOON - 3 * DAY).date())
    assert (await files.ask(queries.sales_pulse))["revenue_vs_last_week_pct"] == 20


async def test_files_without_an_order_say_nothing_and_a_live_store_without_one_says_zero(files: Store, store: Store):
    await files.write(product())
    assert (await files.ask(queries.sales_pulse))["total_orders"] is None
    async with tenant(store.rt.database, store.org) as scope:
        await scope.sql.execute(
            "INSERT INTO sync_cursors (org_id, connection_id, stream, completed_at) VALUES ($1, $2, 'orders', now())",
            store.org, store.connection_id,
        )  # fmt: skip
    assert (await files.ask(queries.sales_pulse))["total_orders"] == 0


async def test_of_stores_side_by_side_the_one_that_ended_is_unknown_and_so_are_shares_of_the_whole(
    files: Store, store: Store
):
    await files.write(order("1", at=NOON - 2 * DAY))
    await store.write(order("2", total="60"))
    by_id = {row["connection_id"]: row for row in await files.ask(queries.stores_today)}
    ended, live = by_id[files.connection_id], by_id[store.connection_id]
    assert (ended["orders"], ended["revenue"], ended["known_until"]) == (None, None, date(2026, 3, 8))
    assert (live["orders"], live["revenue"], live["known_until"]) == (1, 60, None)
    assert ended["share_pct"] is live["share_pct"] is None


async def test_a_best_seller_without_a_rate_has_no_revenue_instead_of_none_at_all(store: Store):
    await store.write(
        order("1", total="40", lines=(line("KNOWN", total="40"), line("PART", total="10"))),
        order("2", total="9000", currency="JPY", lines=(line("YEN", quantity="3", total="9000"), line("PART"))),
        order("3", total="0", lines=(line("FREE", total="0"),)),
    )
    top = (await store.ask(queries.sales_pulse))["top_5_skus"]
    assert [(each["sku"], each["revenue_30d"], each["units_sold_30d"]) for each in top] == [
        ("KNOWN", 40, 1), ("PART", 10, 2), ("FREE", 0, 1), ("YEN", None, 3),
    ]  # fmt: skip
    assert await store.ask(queries.unconverted_30d) == [{"currency": "JPY", "orders": 1}]
    await store.rate("JPY", "0.01")
    assert (await store.ask(queries.sales_pulse))["top_5_skus"][0]["sku"] == "KNOWN", "kept as it was converted"


async def test_what_has_no_rate_makes_no_percentage_no_hour_and_no_day_of_zero(store: Store):
    await store.write(
        order("1", total="9000", currency="JPY"),
        order("2", total="100", at=NOON - WEEK),
        order("3", total="5", at=NOON - HOUR),
        order("4", total="9000", currency="JPY", at=NOON - DAY),
    )
    row = await store.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"]) == (5, 2)
    assert row["revenue_vs_last_week_pct"] is None, "a sum that lacks an order against one that does not"
    assert row["orders_vs_last_week_pct"] == 100
    assert row["today_by_hour"][11:13] == [5, None]
    assert row["revenue_14d"][-2:] == [None, 5]


async def test_a_refund_without_a_rate_is_named_and_alone_it_leaves_the_sum_unknown(store: Store):
    await store.rate("JPY", "0.01", NOON - 300 * DAY)
    await store.configure(rates_hold_days=7)
    yen = order("1", total="9000", currency="JPY", at=NOON - 299 * DAY)
    await store.write(yen, refund(amount="1000"))
    row = await store.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["unconverted_refunds"]) == (None, 0, 1)
    [said] = await store.ask(queries.unconverted_today)
    assert (said["currency"], said["orders"], said["refunds"]) == ("JPY", 0, 1)
    assert said["since"] == (NOON - 293 * DAY).date()
    [mine] = await store.ask(queries.stores_today)
    assert (mine["revenue"], mine["own"]) == (None, [("JPY", Decimal("-1000.00"))])


async def test_the_newest_of_today_is_found_by_time_and_not_among_all_that_the_connection_ever_had(files: Store):
    await files.write(order(at=NOON - HOUR), refund(amount="5", at=NOON - HOUR))
    async with tenant(files.rt.database, files.org) as scope:
        await scope.sql.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in await scope.sql.fetch("EXPLAIN SELECT until FROM v_known_until"))
    assert "orders_when" in plan
    assert "refunds_when" in plan
    assert "orders_pkey" not in plan, "a store's 500,000 orders would be read for every tile"
