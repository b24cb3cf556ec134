"""The seed decides everything; every oddity of a real store is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from portal.sandbox.clock import DAY
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.order_json import order_json
from tests.sandbox.conftest import NOW

SPEC = SandboxStoreSpec("shop", seed=7, orders=700, now=NOW)


def dump(store: Store) -> bytes:
    return msgspec.json.encode([order_json(store, order) for order in store.orders.values()])


def test_the_same_seed_gives_the_same_store() -> None:
    assert dump(Store(SPEC)) == dump(Store(SPEC))


def test_another_seed_gives_another_store() -> None:
    assert dump(Store(SPEC)) != dump(Store(replace(SPEC, seed=8, consumer_key="", consumer_secret="")))


@pytest.mark.parametrize("orders", [0, 1, 7, 40])
def test_small_stores_are_possible(orders: int) -> None:
    store = Store(replace(SPEC, orders=orders))
    assert len(store.orders) == orders
    assert len(store.products) >= 20


def test_fifty_thousand_orders_are_made_and_written_out() -> None:
    store = Store(replace(SPEC, orders=50_000))
    assert len(store.orders) == 50_000
    newest = list(store.orders.values())[-100:]
    assert len(msgspec.json.decode(msgspec.json.encode([order_json(store, order) for order in newest]))) == 100


def test_today_and_the_same_weekday_last_week_have_orders() -> None:
    for orders in (40, 700):
        store = Store(replace(SPEC, orders=orders))
        now = store.clock.now()
        days = Counter(store.clock.day(order.created) for order in store.orders.values())
        assert days[store.clock.day(now)] >= 3
        assert days[store.clock.day(now - 7 * DAY)] >= 3
        assert max(order.created for order in store.orders.values()) <= now


def test_every_oddity_is_there() -> None:
    store = Store(SPEC)
    orders = list(store.orders.values())
    assert any(order.customer_id == 0 for order in orders)
    assert any(not order.lines for order in orders)
    assert any(order.lines and order.total == 0 for order in orders)
    assert any(order.total < 0 for order in orders)
    assert any(len(order.lines) == 60 for order in orders)
    assert any(line.product.gone for order in orders for line in order.lines)
    assert any("<script>" in order.note for order in orders)
    assert {order.currency for order in orders} == {"EUR", "USD", "JPY"}
    assert {"trash", "checkout-draft", "pending", "failed", "cancelled", "refunded", "on-hold", "processing",
            "completed"} == {order.status for order in orders}  # fmt: skip
    assert {refund.kind for refund in store.refunds.values()} == {"full", "partial"}
    assert any(len(order.refunds) == 2 for order in orders)
    assert any(order.coupon for order in orders)
    assert any(order.fee for order in orders)


def test_forty_orders_share_one_modified_second_twice() -> None:
    seconds = Counter(order.modified for order in Store(SPEC).orders.values())
    assert [count for _, count in seconds.most_common(2)] == [40, 40]


def test_stock_reaches_from_sold_out_to_overstock() -> None:
    store = Store(SPEC)
    recent = store.units_sold(store.clock.now() - 30 * DAY)
    cover = [
        product.stock / (recent[product.id] / 30)
        for product in store.sellables()
        if product.managed and product.stock is not None and recent.get(product.id)
    ]
    assert min(cover) <= 0
    for low, high in ((0.1, 4), (4, 10), (15, 70), (180, 1e9)):
        assert any(low <= days <= high for days in cover), (low, high)


def test_refunds_never_exceed_their_order() -> None:
    for order in Store(SPEC).orders.values():
        assert order.refunded <= max(0, order.total) or order.total < 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "No Spaces"), ("orders", 50_001), ("orders", -1), ("currency", "euro"), ("timezone", "Mars/Olympus"),
     ("now", (NOW + timedelta(0)).replace(tzinfo=None))],
)  # fmt: skip
def test_a_wrong_spec_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(SPEC, **{field: value})
