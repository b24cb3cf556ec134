"""Returns, shipments, payments and places of stock, read from a store of the sandbox either way and with fewer rights."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Order, Product
from portal.connectors.shopify import queries
from portal.connectors.shopify.failures import of_errors
from portal.connectors.shopify.mapping import order as mapped_order
from portal.connectors.shopify.reader import Reader
from portal.sandbox import Sandbox
from portal.sandbox.rows import Return, ReturnedItem
from portal.sandbox.shopify import returns
from portal.sandbox.shopify.world import VARIANTS
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from tests.connectors.shopify import samples
from tests.connectors.shopify.conftest import Connect, Open
from tests.connectors.shopify.counting import split
from tests.connectors.woocommerce.reading import run
from tests.sync.conftest import Shop

PAGED = {"shop": "shop.myshopify.com"}
Rows = Counter[tuple[Any, ...]]


def returned(orders: dict[str, Order]) -> Rows:
    return Counter(
        (int(order.external_id), each.status, line.sku, line.quantity, line.reason)
        for order in orders.values()
        for each in order.returns or ()
        for line in each.lines
    )


def truly_returned(shop: Store) -> Rows:
    told: Any = truth(shop)["returns"]
    return Counter((row["order_id"], row["state"], row["sku"], row["units"], row["reason"]) for row in told)


@pytest.mark.parametrize("cursor", [None, PAGED], ids=["export", "pages"])
async def test_returns_equal_the_stores_truth(shop: Store, connect: Connect, cursor: dict[str, Any] | None) -> None:
    orders, _ = split(await run(connect(shop), "orders", cursor))
    assert returned(orders) == truly_returned(shop)
    assert len(returned(orders)) > 3
    assert all(order.returns is not None for order in orders.values())


async def test_an_export_and_pages_give_the_same_orders(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "return_order", reason="Other", note="too loud", state="open")
    exported = await run(connect(shop), "orders")
    paged = await run(connect(shop), "orders", PAGED)
    assert paged.rows == exported.rows


async def test_payments_and_shipments_are_kept_with_their_numbers(shop: Store, connect: Connect) -> None:
    orders, _ = split(await run(connect(shop), "orders"))
    for row in shop.orders.values():
        found = orders[str(row.id)]
        assert found.payments is not None
        assert found.shipments is not None
        given = [each.amount for each in found.payments if each.kind == "refund"]
        assert sorted(given) == sorted(Decimal(each.amount) / 100 for each in row.refunds)
        assert all(each.currency == found.currency and each.reference for each in found.payments)
        assert len(found.shipments) == (row.completed is not None)
        for shipment in found.shipments:
            assert shipment.units == sum(line.quantity for line in row.lines)
            assert all(parcel.url.endswith(parcel.number) for parcel in shipment.tracking)
    assert {len(each.tracking) for order in orders.values() for each in order.shipments or ()} == {0, 1, 2}


async def test_stock_is_told_by_location_and_adds_up(shop: Store, connect: Connect) -> None:
    exported = await run(connect(shop), "products")
    paged = await run(connect(shop), "products", PAGED)
    assert paged.rows == exported.rows
    found = {each.external_id: each for each in exported.records if isinstance(each, Product)}
    stock: Any = truth(shop)["stock"]
    for row in stock:
        held = found[str(VARIANTS + (row["variation_id"] or row["product_id"]))]
        places = None if held.stock_at is None else {each.location_name: each.quantity for each in held.stock_at}
        told = row["locations"]
        assert places == (None if told is None else {each["location"]: each["quantity"] for each in told})
        assert held.quantity == (None if held.stock_at is None else sum(each.quantity for each in held.stock_at))


async def test_without_the_rights_returns_and_places_are_not_known_and_everything_else_is(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    scopes = "read_orders,read_all_orders,read_products,read_customers,read_inventory"
    sandbox.control("shop", "set_scopes", scopes=scopes)
    for cursor in (None, PAGED):
        orders, refunds = split(await run(connect(shop), "orders", cursor))
        assert len(orders) == len(shop.orders)
        assert len(refunds) == len(shop.refunds)
        assert {order.returns for order in orders.values()} == {None}
        assert all(order.customer_email for order in orders.values() if order.customer_id)
        found = await run(connect(shop), "products", cursor)
        sold = [each for each in found.records if isinstance(each, Product) and each.stock_tracked]
        assert {each.stock_at for each in sold} == {None}
        assert all(each.quantity is not None for each in sold)


async def test_returns_and_lines_that_do_not_fit_a_page_are_read_on(shop: Store, connect: Connect) -> None:
    order = max(shop.orders.values(), key=lambda each: len(each.lines))
    assert len(order.lines) > 50
    for _ in range(4):
        lines = [ReturnedItem(place, 1, returns.REASONS[0]) for place in range(len(order.lines))]
        shop.returns.setdefault(order.id, []).append(Return(shop.take_id(), order.id, order.created, "closed", lines))
    found = await connect(shop).fetch("orders", [str(order.id)])
    (row,) = (each for each in found.records if isinstance(each, Order))
    assert row.returns is not None
    assert [len(each.lines) for each in row.returns][-4:] == [len(order.lines)] * 4


async def test_stock_at_more_locations_than_fit_a_page_is_read_on(
    sandbox: Sandbox, shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.connectors.shopify.fragments.FEW", 1)
    paged = await run(connect(shop), "products", PAGED)
    assert paged.rows == (await run(connect(shop), "products")).rows


async def test_what_a_refusal_names_is_given_up_and_nothing_else(shop: Store, connect: Connect) -> None:
    reader = Reader(connect(shop).client)
    refused = {
        "message": "Access denied",
        "path": ["rows", "nodes", 0, "billingAddress"],
        "extensions": {"code": "ACCESS_DENIED"},
    }
    tries = 0

    async def ask(scopes: frozenset[str]) -> frozenset[str]:
        nonlocal tries
        tries += 1
        wrong = of_errors([refused])
        if wrong is not None and queries.ADDRESSES in scopes:
            raise wrong
        return scopes

    assert {"read_customers", "read_returns"} <= await reader.permitted("orders", ask)
    assert tries == 2


def test_a_return_that_the_list_did_not_bring_is_not_taken_for_none() -> None:
    (found, *_) = mapped_order(samples.order(returnStatus="IN_PROGRESS"), samples.NOW)
    assert isinstance(found, Order)
    assert found.returns is None


async def places(shop: Shop) -> Rows:
    row = await shop.row(
        "SELECT json_agg(json_build_array(product_id, location_name, quantity)) FROM v_stock_at WHERE connection_id = $1"
    )
    return Counter(tuple(each) for each in json.loads(row["json_agg"]))


def true_places(shop: Shop) -> Rows:
    told: Any = truth(shop.store)["stock"]
    return Counter(
        (str(VARIANTS + (row["variation_id"] or row["product_id"])), at["location"], at["quantity"])
        for row in told
        for at in row["locations"] or ()
    )


async def test_the_ledger_holds_what_is_true_of_returns_and_places(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    assert await places(shop) == true_places(shop)
    shop.control("restock", quantity=41)
    back = shop.control("return_order", reason="Other", note="too loud")
    await shop.sync("schedule")
    assert await places(shop) == true_places(shop)
    stated = (
        f"SELECT returns->-1->>'status' FROM orders WHERE connection_id = $1 AND external_id = '{back['order_id']}'"
    )
    assert await shop.value(stated) == "requested"
    shop.control("return_order", order=back["order_id"], state="closed")
    await shop.sync("schedule")
    assert await shop.value(stated) == "closed"
    await shop.assert_equal_to_truth()
