"""Streams read to their end against a store of the sandbox, as the engine reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Order, Product
from portal.connectors.shopify.connector import ShopifyConnector
from portal.foundation.errors import Forbidden
from portal.sandbox import Sandbox
from portal.sandbox.shopify.world import ITEMS, VARIANTS
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import Connect, app
from tests.connectors.shopify.counting import revenue, split, true_revenue
from tests.connectors.woocommerce.reading import one_page, run


async def test_lines_and_tax_add_up_in_every_order(shop: Store, connect: Connect) -> None:
    orders, _ = split(await run(connect(shop), "orders"))
    for order in orders.values():
        assert sum((line.total for line in order.lines), order.total_tax) == order.total
    assert max(len(order.lines) for order in orders.values()) > 60


async def test_products_have_their_variants_and_stock_either_way(shop: Store, connect: Connect) -> None:
    exported = await run(connect(shop), "products")
    paged = await run(connect(shop), "products", {"shop": "shop.myshopify.com"})
    assert paged.rows == exported.rows
    sold = {each.external_id: each for each in exported.records if isinstance(each, Product) and each.parent_id}
    assert len(sold) == len(shop.sellables())
    for row in shop.sellables():
        found = sold[str(VARIANTS + row.id)]
        assert found.quantity == (Decimal(row.stock or 0) if row.managed else None)
        assert found.sku == row.sku


async def test_customers_are_read_either_way(shop: Store, connect: Connect) -> None:
    exported = await run(connect(shop), "customers")
    paged = await run(connect(shop), "customers", {"shop": "shop.myshopify.com"})
    assert paged.rows == exported.rows
    assert set(exported.rows) == {str(each) for each in shop.customers}


async def test_changes_after_the_history_are_brought_by_the_next_run(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    connector = connect(shop)
    first = await run(connector, "orders")
    for _ in range(3):
        sandbox.control("shop", "place_order", total="12.34")
    sandbox.control("shop", "place_order", lines=2, currency="JPY")
    sandbox.control("shop", "place_order", total="9.99", test="yes")
    sandbox.control("shop", "refund")
    sandbox.control("shop", "fulfil_order")
    sandbox.control("shop", "cancel_order")
    sandbox.control("shop", "bulk_edit", count=60, status="completed")
    second = await run(connector, "orders", first.cursor)
    orders, refunds = split(first)
    newer, more = split(second)
    assert revenue(orders | newer, refunds | more) == true_revenue(shop)
    assert len(newer) < len(shop.orders)


async def test_a_quiet_shop_costs_one_small_page(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    first = await run(connector, "orders")
    second = await run(connector, "orders", first.cursor)
    third = await run(connector, "orders", second.cursor)
    assert len(third.pages) <= len(second.pages)
    assert second.cursor["since"] <= third.cursor["since"]


async def test_rows_of_one_second_are_all_read_across_page_boundaries(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    connector = connect(shop)
    first = await run(connector, "orders")
    named = sandbox.control("shop", "bulk_edit", count=150)["orders"]
    second = await run(connector, "orders", first.cursor)
    assert {str(each) for each in named} <= set(second.rows)


async def test_rows_that_change_while_pages_are_read_are_read_again(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    connector, cursor, rows = connect(shop), {"shop": "shop.myshopify.com"}, {}
    for turn in range(100):
        page = await one_page(connector, "orders", cursor)
        rows |= {each.external_id: each for each in page.records if isinstance(each, Order)}
        cursor = page.next
        if turn < 6:
            sandbox.control("shop", "place_order", total="5.00")
            sandbox.control("shop", "edit_order", order=next(iter(shop.orders)), note=f"again {turn}")
        if page.caught_up:
            break
    assert set(rows) == {str(each) for each in shop.orders}
    assert rows[str(next(iter(shop.orders)))].note == "again 5"


async def test_queries_that_cost_too_much_are_asked_in_smaller_pages(
    shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.sandbox.shopify.graphql.cost.MOST", 220)
    found = await run(connect(shop), "orders", {"shop": "shop.myshopify.com"})
    assert split(found)[0].keys() == {str(each) for each in shop.orders}


async def test_another_shops_cursor_starts_the_stream_over(shop: Store, connect: Connect) -> None:
    first = await run(connect(shop), "customers")
    page = await one_page(connect(shop), "customers", {**first.cursor, "shop": "other.myshopify.com"})
    assert page.next["history"]


@pytest.mark.parametrize("cursor", [{"since": 7}, {"history": []}, {"shop": 1}, {"nonsense": True}])
async def test_a_cursor_that_cannot_be_read_starts_the_stream_over(
    shop: Store, connect: Connect, cursor: dict[str, Any]
) -> None:
    assert (await one_page(connect(shop), "customers", cursor)).next["history"]


async def test_a_position_that_shopify_no_longer_knows_is_read_from_its_beginning(
    shop: Store, connect: Connect
) -> None:
    cursor = {"shop": "shop.myshopify.com", "after": "not a position"}
    assert len((await run(connect(shop), "customers", cursor)).rows) == len(shop.customers)


async def test_without_the_right_to_read_customers_orders_come_without_buyers(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_scopes", scopes="read_orders,read_all_orders,read_products")
    connector = connect(shop)
    orders, refunds = split(await run(connector, "orders"))
    assert revenue(orders, refunds) == true_revenue(shop)
    assert not any(each.customer_id or each.customer_email for each in orders.values())
    with pytest.raises(Forbidden) as wrong:
        await run(connector, "customers")
    assert "read_customers" in wrong.value.message
    sold = [each for each in (await run(connector, "products")).records if isinstance(each, Product) and each.parent_id]
    assert sum(each.quantity or 0 for each in sold) == sum(row.stock or 0 for row in shop.sellables() if row.managed)


async def test_without_read_all_orders_sixty_days_are_read_and_absence_proves_nothing(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    everything, complete = await listed_ids(connect(shop), "orders")
    assert complete
    assert set(everything) == {str(each) for each in shop.orders}
    sandbox.control("shop", "set_scopes", scopes="read_orders,read_products")
    orders, _ = split(await run(connect(shop), "orders"))
    since = shop.clock.now() - 60 * 86_400
    assert set(orders) == {str(row.id) for row in shop.orders.values() if row.created >= since}
    listed, complete = await listed_ids(connect(shop), "orders")
    assert set(listed) == set(orders)
    assert not complete
    seen = await connect(shop).glance("orders", None)
    assert seen.total is None, "a count that loses a day every day proves nothing"


async def listed_ids(connector: ShopifyConnector, stream: str) -> tuple[list[str], bool]:
    """All pages of ids, and whether they say that nothing is hidden."""
    cursor, found = None, list[str]()
    while True:
        page = await connector.ids(stream, cursor)
        found += page.ids
        cursor = page.next
        if page.finished:
            return found, page.complete


async def test_ids_list_variants_with_their_products(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    found, _ = await listed_ids(connector, "products")
    assert set(found) == set((await run(connector, "products")).rows)


async def test_the_list_of_ids_says_of_an_order_what_the_order_itself_says(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    orders, refunds = split(await run(connector, "orders"))
    back: dict[str, Decimal] = {}
    for refund in refunds.values():
        back[refund.order_id] = back.get(refund.order_id, Decimal(0)) + refund.amount
    said = (await connector.ids("orders", None)).listed
    assert len(said) >= 50
    for known, each in said.items():
        order = orders[known]
        assert (each.modified_at, each.status, each.currency) == (
            order.modified_at,
            order.source_status,
            order.currency,
        )
        assert (each.total, each.refunded) == (order.total, back.get(known, 0))
    seen = await connector.glance("orders", datetime.now(UTC) - timedelta(days=30))
    assert seen.total == len(shop.orders)
    assert seen.requests == 2
    assert all(said.get(known, each) == each for known, each in seen.listed.items())


async def test_named_rows_are_fetched_like_any_page(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    known = (await run(connector, "orders")).rows
    wanted = [str(each) for each in shop.orders][:70]
    page = await connector.fetch("orders", [*wanted, "999999999999"])
    assert {each.external_id for each in page.records if isinstance(each, Order)} == set(wanted)
    assert all(known[each.external_id] == each for each in page.records)
    products = (await run(connector, "products")).rows
    row = next(each for each in shop.sellables() if each.parent)
    page = await connector.fetch("products", [str(VARIANTS + row.id)])
    assert {each.external_id for each in page.records} >= {str(VARIANTS + row.id), str(row.parent.id)}  # type: ignore[union-attr]
    by_item = await connector.fetch("products", [f"inventory_item:{ITEMS + row.id}", "not a number"])
    assert list(by_item.records) == list(page.records)
    assert all(products[each.external_id] == each for each in page.records)


async def test_tokens_that_end_during_a_run_do_not_end_it(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    connector: ShopifyConnector = connect(shop, **app(shop))
    cursor: Any = {"shop": "shop.myshopify.com"}
    rows: dict[str, Any] = {}
    while True:
        sandbox.control("shop", "expire_tokens")
        page = await one_page(connector, "orders", cursor)
        rows |= {each.external_id: each for each in page.records}
        cursor = page.next
        if page.caught_up:
            break
    assert set(rows) >= {str(each) for each in shop.orders}
