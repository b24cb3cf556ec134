"""What is kept of an order beside its money, and of a product beside its quantity."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.commerce import queries
from portal.commerce.details import Payment, Return, ReturnLine, Shipment, StockAt, Tracking
from tests.commerce.made import NOON, Store, connect, order, product
from tests.commerce.test_restating import log, state

PAID = Payment(
    external_id="1", kind="sale", status="success", amount=Decimal("100.00"), currency="USD", processed_at=NOON
)
SENT = Shipment(
    external_id="7",
    status="delivered",
    shipped_at=NOON,
    units=Decimal(2),
    tracking=(Tracking(carrier="DHL", number='00\x1f\u2028\\"', url="https://t.example/1"),),
)
BACK = Return(
    external_id="9",
    status="open",
    requested_at=NOON,
    lines=(ReturnLine(name="Lamp", quantity=Decimal(1), reason="Ü broken"),),
)


async def detail(store: Store, external_id: str = "1"):
    return await store.ask(queries.order_detail, store.connection_id, external_id)


async def test_details_come_back_as_they_were_written(store: Store) -> None:
    await store.write(order(payments=(PAID,), shipments=(SENT,), returns=(BACK,)))
    found = await detail(store)
    assert (found["payments"], found["shipments"], found["returns"]) == ((PAID,), (SENT,), (BACK,))


async def test_none_at_all_and_not_told_are_not_the_same(store: Store) -> None:
    await store.write(order(payments=(), returns=None))
    found = await detail(store)
    assert (found["payments"], found["shipments"], found["returns"]) == ((), None, None)


@pytest.mark.parametrize("more", [{"payments": (PAID,)}, {"shipments": (SENT,)}, {"returns": (BACK,)}, {"returns": ()}])
async def test_another_detail_is_a_change_also_without_a_new_date_and_the_same_again_is_none(
    store: Store, more
) -> None:
    await store.write(order())
    assert (await store.write(order(**more))).changed == {"orders": 1}
    assert (await store.write(order(**more))).changed == {}


async def test_an_older_copy_brings_no_old_details_back(store: Store) -> None:
    await store.write(order(version=2, shipments=(SENT,)))
    assert (await store.write(order(version=1, shipments=()))).changed == {}
    assert (await detail(store))["shipments"] == (SENT,)


async def test_details_of_a_stated_day_restate_nothing(store: Store) -> None:
    yesterday = NOON - timedelta(days=1)
    await store.write(order(total="60", at=yesterday))
    await state(store)
    await store.write(order(total="60", at=yesterday, version=5, payments=(PAID,), returns=(BACK,)))
    assert await log(store) == []
    await store.write(order(total="50", at=yesterday, version=6, payments=(PAID,), returns=(BACK,)))
    assert len(await log(store)) == 1


async def test_details_are_written_with_an_order_whatever_its_lines_do(store: Store) -> None:
    await store.write(order("1", payments=(PAID,)), order("2"), order("3", returns=(BACK,)))
    assert [(await detail(store, each))["payments"] for each in "123"] == [(PAID,), None, None]


def at(location: str, units: str, name: str = "") -> StockAt:
    return StockAt(location_id=location, location_name=name, quantity=Decimal(units))


async def places(store: Store, show: str = "all"):
    rows, _ = await store.ask(queries.products_page, show=show)
    found = await store.ask(queries.stock_at, rows)
    return {item: [(each["location_name"], each["quantity"]) for each in rows] for (_, item), rows in found.items()}


async def test_stock_is_known_by_location_and_product(store: Store) -> None:
    await store.write(
        product("1", "LAMP", "7", stock_at=(at("1", "5", "Leipzig"), at("2", "2", "Berlin"))),
        product("2", "RUG", "3", stock_at=(at("1", "3", "Leipzig"),)),
        product("3", "SOFA", "3"),
    )
    rows = await store.rows("SELECT product_id, location_id, location_name, quantity FROM v_stock_at ORDER BY 1, 2")
    assert [tuple(row.values()) for row in rows] == [
        ("1", "1", "Leipzig", 5), ("1", "2", "Berlin", 2), ("2", "1", "Leipzig", 3),
    ]  # fmt: skip
    assert await places(store) == {"LAMP": [("Berlin", 2), ("Leipzig", 5)]}


async def test_stock_that_moved_between_locations_is_a_change_of_the_product(store: Store) -> None:
    await store.write(product(quantity="3", stock_at=(at("1", "3"), at("2", "0"))))
    assert (await store.write(product(quantity="3", stock_at=(at("1", "1"), at("2", "2"))))).changed == {"products": 1}
    assert (await store.write(product(quantity="3", stock_at=(at("1", "1"), at("2", "2"))))).changed == {}


async def test_places_that_do_not_add_up_to_the_quantity_are_not_shown(store: Store) -> None:
    await store.write(
        product("1", "LAMP", "7", stock_at=(at("1", "5"), at("2", "2"))),
        product("2", "LAMP", "4"),  # the same SKU by mistake, and nobody says where it lies
    )
    assert await places(store) == {}


async def test_products_of_one_sku_are_added_by_location(store: Store) -> None:
    await store.write(
        product("1", "LAMP", "7", stock_at=(at("1", "5", "Leipzig"), at("2", "2", "Berlin"))),
        product("2", "LAMP", "1.5", stock_at=(at("1", "1.5", "Leipzig"),)),
    )
    assert await places(store) == {"LAMP": [("Berlin", 2), ("Leipzig", Decimal("6.5"))]}


async def test_the_same_sku_at_two_stores_lies_at_the_places_of_each(rt, org, store: Store) -> None:
    second = await connect(rt, org)
    await store.write(product("1", "LAMP", "7", stock_at=(at("1", "5", "Leipzig"), at("2", "2", "Berlin"))))
    await second.write(product("1", "LAMP", "3", stock_at=(at("8", "1", "Rome"), at("9", "2", "Turin"))))
    page = [
        {"connection_id": store.connection_id, "item": "RUG", "quantity_available": 1},
        {"connection_id": second.connection_id, "item": "LAMP", "quantity_available": 3},
    ]
    found = await store.ask(queries.stock_at, page)
    assert {key: [each["location_name"] for each in at_it] for key, at_it in found.items()} == {
        (second.connection_id, "LAMP"): ["Rome", "Turin"]
    }


async def test_where_stock_lies_is_the_organizations_own_business(rt, store: Store, other_org) -> None:
    await store.write(product(quantity="3", stock_at=(at("1", "3"),)))
    assert await Store(rt, other_org, store.connection_id).rows("SELECT * FROM v_stock_at") == []
