"""Random histories: whatever arrives, twice, late, in any order, the rollups equal a rebuild and an independent calculation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.commerce.rebuild import rebuild
from portal.commerce.records import Deleted, Order, OrderStatus, Refund
from portal.foundation.runtime import Runtime
from tests.commerce.made import NOON, Store, connect, line, order, refund
from tests.commerce.oracle import SALES, Oracle
from tests.conftest import make_org

BERLIN = "Europe/Berlin"
# Around midnight in Berlin, around both changes of the clocks, and a plain noon.
_MOMENTS = [
    datetime(2026, 3, 9, 22, 59, 59, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 3, 9, 23, 0, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 3, 28, 22, 59, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 3, 28, 23, 30, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 3, 29, 21, 59, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 3, 29, 22, 0, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 10, 24, 22, 30, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 10, 25, 23, 0, tzinfo=ZoneInfo("UTC")),
    NOON,
]
_moments = st.sampled_from(_MOMENTS)
_versions = st.sampled_from([0, 3, 60, 63, 120, 200])  # minutes: some within the slack of a deletion, some beyond
_money = st.sampled_from(["0", "10", "99.99", "-5.55", "1200.1234", "0.01"])
_currencies = st.sampled_from(["EUR", "EUR", "USD", "JPY"])
_RATES = {"USD": [(date(2026, 3, 10), Decimal("0.9137")), (date(2026, 3, 29), Decimal("0.9"))]}

_lines = st.builds(
    line,
    sku=st.sampled_from(["A", "B", None]),
    quantity=st.sampled_from(["1", "2", "0.5"]),
    total=_money,
    product_id=st.sampled_from(["7", None]),
    kind=st.sampled_from(["item", "item", "shipping"]),
)
_orders = st.builds(
    order,
    external_id=st.sampled_from(["1", "2", "3"]),
    version=_versions,
    total=_money,
    at=_moments,
    created_at=_moments,
    paid_at=st.none() | _moments,
    status=st.sampled_from(list(OrderStatus)),
    currency=_currencies,
    is_test=st.sampled_from([False, False, False, True]),
    discount_total=st.sampled_from([Decimal(0), Decimal("1.23")]),
    shipping_total=st.sampled_from([Decimal(0), Decimal("4.90")]),
    customer_id=st.sampled_from([None, "1", "2"]),
    customer_email=st.sampled_from(["", "Ada@example.com"]),
    lines=st.lists(_lines, max_size=3).map(tuple),
    refund_ids=st.none() | st.lists(st.sampled_from(["r1", "r2", "r3"]), unique=True).map(tuple),
)
_refunds = st.builds(
    lambda number, **fields: refund(f"r{number}", order_id=str(number), **fields),
    number=st.integers(1, 3),
    amount=st.sampled_from(["1", "30", "99.99"]),
    at=_moments,
    currency=st.sampled_from([None, None, "USD"]),
)
_deletions = st.builds(
    lambda which, version: Deleted(external_id=which[1], of=which[0], modified_at=NOON + timedelta(minutes=version)),
    which=st.sampled_from([("orders", "1"), ("orders", "2"), ("refunds", "r1"), ("refunds", "r2")]),
    version=_versions,
)
_batches = st.lists(st.one_of(_orders, _orders, _refunds, _deletions), min_size=1, max_size=5)
_histories = st.lists(st.one_of(_batches, _batches, _batches, st.integers(0, 3)), min_size=1, max_size=7)


async def _stored(store: Store) -> tuple[dict[Any, Any], dict[Any, Any]]:
    sales = await store.rows("SELECT * FROM daily_sales")
    skus = await store.rows("SELECT * FROM daily_sku_sales")
    return (
        {
            (r["day"], r["currency"]): figures
            for r in sales
            if any((figures := {f: Decimal(r[f]) for f in SALES}).values())
        },
        {
            (r["day"], r["sku"]): (r["units"], r["revenue_reporting"])
            for r in skus
            if r["units"] or r["revenue_reporting"]
        },
    )


@given(history=_histories)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_rollups_equal_a_rebuild_and_an_independent_calculation(rt: Runtime, history: list[Any]):
    store = await connect(rt, await make_org(rt, "Random"))
    await store.configure(timezone=BERLIN, reporting_currency="EUR")
    for currency, known in _RATES.items():
        for since, rate in known:
            await store.rate(currency, str(rate), datetime(since.year, since.month, since.day))
    oracle = Oracle(BERLIN, "EUR", _RATES)
    past: list[list[Order | Refund | Deleted]] = []
    for minutes, step in enumerate(history):
        if isinstance(step, int):  # an earlier batch once more
            if step >= len(past):
                continue
            batch = past[step]
        else:
            batch = step
            past.append(batch)
        written = await store.write(*batch, minutes=minutes * 30)
        oracle.take(batch, NOON + timedelta(minutes=minutes * 30))
        again = await store.write(*batch, minutes=minutes * 30 + 1)
        assert (again.changed, again.version) == ({}, written.version)
        assert await _stored(store) == oracle.totals()
    await rebuild(rt, store.org)
    assert await _stored(store) == oracle.totals()


async def test_a_rebuild_moves_everything_to_a_new_time_zone_currency_and_rate(rt: Runtime, store: Store):
    night = datetime(2026, 3, 10, 23, 30, tzinfo=ZoneInfo("UTC"))
    await store.write(order(at=night, lines=(line(),)), order("2", currency="EUR", at=night), refund(at=night))
    await store.configure(timezone=BERLIN, reporting_currency="EUR")
    await store.rate("USD", "0.5")
    before = (await store.rows("SELECT version FROM tenant_versions"))[0]["version"]
    assert await rebuild(rt, store.org) == before + 1
    rows = await store.rows(
        "SELECT day::text, currency, gross_reporting, refunds_reporting FROM daily_sales ORDER BY currency"
    )
    assert [tuple(r.values()) for r in rows] == [("2026-03-11", "EUR", 100, 0), ("2026-03-11", "USD", 50, 15)]
    [sku] = await store.rows("SELECT day::text, revenue_reporting FROM daily_sku_sales")
    assert sku == {"day": "2026-03-11", "revenue_reporting": 5}


async def test_days_are_local_ones_on_both_changes_of_the_clocks(store: Store):
    await store.configure(timezone=BERLIN)
    utc = ZoneInfo("UTC")
    moments = {
        "1": datetime(2026, 3, 28, 23, 0, tzinfo=utc),  # the first second of a day of 23 hours
        "2": datetime(2026, 3, 29, 21, 59, 59, tzinfo=utc),  # its last
        "3": datetime(2026, 3, 29, 22, 0, tzinfo=utc),  # the next day's first
        "4": datetime(2026, 10, 24, 22, 0, tzinfo=utc),  # the first second of a day of 25 hours
        "5": datetime(2026, 10, 25, 22, 59, 59, tzinfo=utc),
        "6": datetime(2026, 10, 25, 23, 0, tzinfo=utc),
    }
    await store.write(*(order(key, at=at) for key, at in moments.items()))
    rows = await store.rows("SELECT day::text, orders FROM daily_sales ORDER BY day")
    assert [tuple(r.values()) for r in rows] == [
        ("2026-03-29", 2), ("2026-03-30", 1), ("2026-10-25", 2), ("2026-10-26", 1),
    ]  # fmt: skip
