from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.commerce import queries
from portal.commerce.records import Fulfilment, Order, OrderStatus
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, deleted, line, order, refund

WEEK = timedelta(days=7)
DONE = Fulfilment.FULFILLED


def sold(count: int, total: str, at: datetime, prefix: str, **fields: Any) -> list[Order]:
    return [order(f"{prefix}{n}", total=total, at=at, **fields) for n in range(count)]


async def test_the_documented_sample_comes_out(store: Store):
    """All but 8.3 %, which no whole number of orders makes of 23."""
    await store.write(
        *sold(21, "230.00", NOON, "a", fulfilment=DONE),
        order("b", total="404.50", fulfilment=Fulfilment.NOT_REQUIRED),
        order("c", total="0.00", fulfilment=Fulfilment.UNFULFILLED),
        *sold(20, "232.00", NOON - WEEK, "d"),
        order("e", total="12.89", at=NOON - WEEK),
        lines_of("CARB-HOLLEY-4150"),
    )
    row = await store.ask(queries.sales_pulse)
    assert row["date"] == date(2026, 3, 10)
    assert (row["total_revenue"], row["total_orders"]) == (Decimal("5234.50"), 23)
    assert row["avg_order_value"] == Decimal("227.59")
    assert row["revenue_vs_last_week_pct"] == Decimal("12.5")
    assert row["fulfillment_rate_pct"] == Decimal("95.7")
    assert row["top_5_skus"] == [{"sku": "CARB-HOLLEY-4150", "revenue_30d": Decimal("12450.00"), "units_sold_30d": 15}]


def lines_of(sku: str) -> Order:
    at = NOON - timedelta(days=20)
    return order("top", at=at, lines=(line(sku, "15", "12450"),))


async def test_nothing_is_known_before_a_store_is_connected_and_synced(store: Store):
    row = await store.ask(queries.sales_pulse)
    assert row["date"] == date(2026, 3, 10)
    figures = ("total_revenue", "total_orders", "avg_order_value", "revenue_vs_last_week_pct", "orders_vs_last_week_pct",
               "fulfillment_rate_pct", "unconverted_orders", "today_by_hour", "revenue_14d")  # fmt: skip
    assert {row[name] for name in figures} == {None}
    assert (row["known"], row["top_5_skus"]) == (False, [])


async def test_a_store_read_to_its_end_without_an_order_sold_nothing(store: Store):
    async with tenant(store.rt.database, store.org) as scope:
        await scope.sql.execute(
            "INSERT INTO sync_cursors (org_id, connection_id, stream, completed_at) VALUES ($1, $2, 'orders', now())",
            store.org, store.connection_id,
        )  # fmt: skip
    row = await store.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["avg_order_value"]) == (0, 0, None)


async def test_last_week_counts_up_to_the_same_local_time(store: Store):
    await store.configure(timezone="America/New_York")
    now = datetime(2026, 3, 10, 18, 5, tzinfo=UTC)  # Tuesday 14:05; last Tuesday was before the change of the clocks
    same_time = datetime(2026, 3, 3, 19, 5, tzinfo=UTC)
    await store.write(
        order("1", total="150", at=now - timedelta(hours=1)),
        order("2", total="60", at=same_time),
        order("3", total="1000", at=same_time + timedelta(seconds=1)),
        order("4", total="40", at=datetime(2026, 3, 3, 5, 0, tzinfo=UTC)),  # midnight
        order("5", total="1000", at=datetime(2026, 3, 3, 4, 59, 59, tzinfo=UTC)),
    )
    row = await store.ask(queries.sales_pulse, now=now)
    assert (row["last_week_revenue"], row["last_week_orders"]) == (100, 2)
    assert row["revenue_vs_last_week_pct"] == 50
    assert row["orders_vs_last_week_pct"] == -50
    assert row["aov_vs_last_week_pct"] == 200


async def test_a_percentage_against_nothing_or_less_is_unknown(store: Store):
    await store.write(order("1"))
    assert (await store.ask(queries.sales_pulse))["revenue_vs_last_week_pct"] is None
    await store.write(order("2", total="-5", at=NOON - WEEK))
    row = await store.ask(queries.sales_pulse)
    assert row["revenue_vs_last_week_pct"] is None
    assert row["orders_vs_last_week_pct"] == 0


async def test_todays_refund_of_an_older_order_lowers_today(store: Store):
    await store.write(order("1", at=NOON - timedelta(days=30)), refund(amount="30"), order("2", total="20"))
    row = await store.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["avg_order_value"]) == (-10, 1, -10)


async def test_an_order_that_cannot_be_converted_is_counted_and_named_but_not_added(store: Store):
    await store.write(order("1"), order("2", currency="JPY", total="9000"))
    row = await store.ask(queries.sales_pulse)
    assert (row["total_revenue"], row["total_orders"], row["unconverted_orders"]) == (100, 2, 1)
    assert row["avg_order_value"] == 100, "only orders whose amount is known make the average"


async def test_yen_are_converted_at_the_rate_of_the_day(store: Store):
    await store.rate("JPY", "0.0066")
    await store.write(order("1", currency="JPY", total="12345"))
    assert (await store.ask(queries.sales_pulse))["total_revenue"] == Decimal("81.48")


async def test_orders_that_do_not_count_are_not_in_the_pulse(store: Store):
    await store.write(order("1"), order("2", status=OrderStatus.CANCELLED), order("3", is_test=True), order("4"))
    await store.write(deleted("4"))
    assert (await store.ask(queries.sales_pulse))["total_orders"] == 1


async def test_the_day_is_that_of_the_organization(store: Store):
    await store.configure(timezone="Pacific/Auckland")
    now = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)  # 01:30 on the 11th there
    await store.write(order("1", at=now), order("2", at=now - timedelta(hours=2)))
    row = await store.ask(queries.sales_pulse, now=now)
    assert (row["date"], row["total_orders"]) == (date(2026, 3, 11), 1)


async def test_hours_that_have_not_begun_are_unknown_and_last_weeks_day_is_whole(store: Store):
    await store.write(order("1", total="10"), refund(amount="3", at=NOON - timedelta(hours=3)))
    await store.write(order("2", total="5", at=NOON - WEEK + timedelta(hours=9)))
    row = await store.ask(queries.sales_pulse)
    assert row["today_by_hour"] == [0] * 9 + [-3, 0, 0, 10] + [None] * 11
    assert row["last_week_by_hour"] == [0] * 21 + [5, 0, 0]
    assert row["revenue_14d"] == [0] * 6 + [5] + [0] * 6 + [7]
    assert row["orders_14d"] == [0] * 6 + [1] + [0] * 6 + [1]
    assert row["aov_14d"] == [None] * 6 + [5] + [None] * 6 + [7]


async def test_a_day_of_25_hours_is_one_day(store: Store):
    await store.configure(timezone="Europe/Berlin")
    first, last = datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)
    await store.write(
        *(order(str(n), total="1", at=at) for n, at in enumerate((first, last, last + timedelta(seconds=1))))
    )
    row = await store.ask(queries.sales_pulse, now=datetime(2026, 10, 25, 20, 0, tzinfo=UTC))
    assert (row["total_orders"], sum(hour or 0 for hour in row["today_by_hour"])) == (2, 1)


async def test_a_day_with_two_midnights_begins_with_the_first(store: Store):
    await store.configure(timezone="Atlantic/Azores")
    between = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half past midnight there, for the first time
    await store.write(*(order(str(n), total="1", at=between + timedelta(hours=n)) for n in range(-1, 2)))
    row = await store.ask(queries.sales_pulse, now=datetime(2026, 10, 25, 20, 0, tzinfo=UTC))
    assert (row["total_revenue"], row["revenue_14d"][-2:]) == (2, [1, 2])


async def test_the_five_best_sellers_of_thirty_local_days(store: Store):
    skus = [line(f"S{n}", "1", str(n * 10)) for n in range(1, 8)]
    await store.write(
        order("1", at=NOON - timedelta(days=29), lines=tuple(skus)),
        order("2", at=NOON - timedelta(days=30), lines=(line("S1", "9", "9000"),)),
        order(
            "3",
            lines=(
                line(None, "9", "9000", product_id=None),
                line("S2", "2", "49.50"),
                line("X", "5", "999", kind="fee"),
            ),
        ),
    )
    top = (await store.ask(queries.sales_pulse))["top_5_skus"]
    assert [(t["sku"], t["revenue_30d"], t["units_sold_30d"]) for t in top] == [
        ("S7", 70, 1), ("S2", Decimal("69.5"), 3), ("S6", 60, 1), ("S5", 50, 1), ("S4", 40, 1),
    ]  # fmt: skip
