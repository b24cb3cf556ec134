from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portal.commerce import metrics, queries
from portal.commerce.records import Customer, OrderStatus
from portal.foundation.errors import BadRequest
from tests.commerce.made import NOON, Store, deleted, line, order, product, refund


async def test_orders_page_through_newest_first_each_once(store: Store):
    at_once = [order(f"a{n:02}", at=NOON) for n in range(10)]  # a bulk import: all at one second
    await store.write(*at_once, *(order(f"b{n:02}", at=NOON - timedelta(hours=n + 1)) for n in range(10)))
    seen: list[str] = []
    after = None
    while True:
        rows, after = await store.ask(queries.orders_page, after=after, limit=6)
        seen += [row["external_id"] for row in rows]
        if after is None:
            break
    assert seen == [f"a{n:02}" for n in range(9, -1, -1)] + [f"b{n:02}" for n in range(10)]


async def test_orders_are_narrowed_by_local_day_status_and_text(store: Store):
    await store.configure(timezone="Europe/Berlin")
    await store.write(
        order("1", number="HR-100%", customer_name="Ada Lovelace"),
        order("2", at=NOON - timedelta(hours=13, seconds=1), customer_email="ada@example.com"),  # 23:59:59 there
        order("3", at=NOON + timedelta(days=1), status=OrderStatus.CANCELLED),
        order("4"),
    )
    await store.write(deleted("4"))

    async def ids(**kwargs: str) -> list[str]:
        return [row["external_id"] for row in (await store.ask(queries.orders_page, **kwargs))[0]]

    assert await ids() == ["3", "1", "2"]
    assert await ids(day="today") == ["1"]
    assert await ids(day="2026-03-09") == ["2"]
    assert await ids(status="cancelled") == ["3"]
    assert await ids(search="ADA") == ["1", "2"]
    assert await ids(search="100%") == ["1"]
    assert await ids(search="%") == []


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Atlantic/Azores", "2026-10-25", datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),
        ("America/Havana", "2026-11-01", datetime(2026, 11, 1, 4, 0, tzinfo=UTC)),
    ],
)
async def test_the_list_of_a_day_with_two_midnights_begins_with_the_first(
    store: Store, zone: str, day: str, first: datetime
):
    await store.configure(timezone=zone)
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    moments = (first - second, first, first + hour - second, first + 25 * hour - second, first + 25 * hour)
    await store.write(*(order(str(n), at=at) for n, at in enumerate(moments)))
    listed = [row["external_id"] for row in (await store.ask(queries.orders_page, day=day))[0]]
    assert listed == ["3", "2", "1"], "twenty-five hours, from the first midnight on"
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    assert [row["external_id"] for row in (await store.ask(queries.orders_page, day=before))[0]] == ["0"]


@pytest.mark.parametrize("wrong", [{"day": "2026-02-30"}, {"after": "nonsense"}, {"after": "WzFd"}])
async def test_a_day_or_token_that_is_none_is_refused(store: Store, wrong: dict[str, str]):
    with pytest.raises(BadRequest):
        await store.ask(queries.orders_page, **wrong)


async def test_one_order_shows_its_lines_and_the_refunds_that_still_exist(store: Store):
    await store.write(
        order(lines=(line("A"), line("B", "2")), meta={"created_via": "checkout"}, refund_ids=("r1",)),
        refund(), refund("r2", amount="1"),
    )  # fmt: skip
    await store.write(order(lines=(line("A"), line("B", "2")), refund_ids=("r1",), version=1), minutes=1)
    found = await store.ask(queries.order_detail, store.connection_id, "1")
    assert [one["sku"] for one in found["lines"]] == ["A", "B"]
    assert [one["external_id"] for one in found["refunds"]] == ["r1"]
    assert (found["refunded"], found["total"], found["meta"]) == (30, 100, {})
    assert await store.ask(queries.order_detail, store.connection_id, "2") is None


async def test_rows_are_counted_by_connection(store: Store):
    await store.write(order(), order("2"), refund(), product(), Customer(external_id="1", modified_at=NOON))
    await store.write(deleted("2"))
    [counts] = await store.ask(queries.connection_counts)
    assert counts == {
        "connection_id": store.connection_id, "orders": 1, "refunds": 1, "products": 1, "customers": 1, "coupons": 0, "taxes": 0,
    }  # fmt: skip


async def test_every_declared_metric_is_computed_where_it_says(store: Store):
    await store.write(order(lines=(line(),)), product())
    for metric in metrics.METRICS.values():
        view, column = metric.source.split(".")
        assert await store.rows(f"SELECT {column} FROM {view}"), metric.name


async def test_figures_of_the_pulse_add_up_with_the_rollup(store: Store):
    await store.write(*(order(str(n), total=f"{n}.{n:02}") for n in range(50)), refund(amount="1.11"))
    pulse = await store.ask(queries.sales_pulse)
    [row] = await store.rows("SELECT gross_reporting - refunds_reporting AS net FROM daily_sales")
    assert pulse["total_revenue"] == row["net"] == Decimal("1236.14")
