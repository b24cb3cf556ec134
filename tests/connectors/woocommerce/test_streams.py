from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import OrderStatus
from portal.sandbox.server import Sandbox
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from tests.connectors.conftest import Connect
from tests.connectors.woocommerce.reading import one_page, run


def known(store: Store, kind: str) -> set[str]:
    ids: Any = truth(store, with_ids=True)["ids"]
    return {str(each) for each in ids[kind]}


async def test_a_backfill_reads_every_order_and_the_sums_equal_the_stores(shop: Store, connect: Connect) -> None:
    found = await run(connect(shop), "orders")
    rows = found.rows
    statuses: Any = truth(shop)["statuses"]
    for line in statuses:
        if line["status"] == "checkout-draft":
            continue
        mine = [r for r in rows.values() if (r.source_status, r.currency) == (line["status"], line["currency"])]
        assert len(mine) == line["orders"]
        assert sum(r.total for r in mine) == Decimal(line["gross"])
    trashed = known(shop, "orders") - known(shop, "orders_in_any")
    assert known(shop, "orders_in_any") <= set(rows)
    assert {key for key, row in rows.items() if row.status is OrderStatus.TRASHED} <= trashed
    assert found.pages[0].total == len(known(shop, "orders_in_any"))
    assert not found.rejected


async def test_a_quiet_store_costs_two_requests_and_gives_nothing(shop: Store, connect: Connect) -> None:
    for order in shop.orders.values():
        order.modified -= 3600  # nothing happened in the last minute
    first = await run(connect(shop), "orders")
    second = await run(connect(shop), "orders", first.cursor)
    third = await run(connect(shop), "orders", second.cursor)
    assert len(second.records) <= 10
    assert not third.records
    assert len(third.pages) == 1


async def test_what_changed_since_is_read_and_nothing_else(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    first = await run(connect(shop), "orders")
    placed = sandbox.control("shop", "place_order", total="12.34")
    trashed = sandbox.control("shop", "trash")
    later = await run(connect(shop), "orders", first.cursor)
    assert later.rows[str(placed["order_id"])].total == Decimal("12.34")
    assert later.rows[str(trashed["order_id"])].status is OrderStatus.TRASHED
    assert len(later.records) < 20


@pytest.mark.parametrize("status", [None, "completed"])
async def test_more_orders_than_a_page_in_one_second_are_all_read(
    sandbox: Sandbox, shop: Store, connect: Connect, status: str | None
) -> None:
    first = await run(connect(shop), "orders")
    chosen = {"status": status} if status else {}
    edited: Any = sandbox.control("shop", "bulk_edit", count=150, **chosen)
    later = await run(connect(shop), "orders", first.cursor)
    assert {str(each) for each in edited["orders"]} <= set(later.rows)
    again = await run(connect(shop), "orders", later.cursor)
    assert {str(each) for each in edited["orders"]} <= set(again.rows), (
        "the tied second is read again while it is fresh"
    )


async def test_orders_that_join_a_second_already_read_are_not_lost(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    first = await run(connect(shop), "orders")
    one = sandbox.control("shop", "place_order", total="1.00")
    second = await run(connect(shop), "orders", first.cursor)
    late = sandbox.control("shop", "place_order", total="2.00")
    shop.orders[int(str(late["order_id"]))].modified = shop.orders[int(str(one["order_id"]))].modified
    shop.version += 1
    third = await run(connect(shop), "orders", second.cursor)
    assert str(late["order_id"]) in third.rows


async def test_rows_deleted_behind_the_position_make_none_be_skipped(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    connector = connect(shop)
    seen: set[str] = set()
    page = await one_page(connector, "orders", None)
    seen |= {record.external_id for record in page.records}
    for number in sorted(seen, key=int)[:40]:
        sandbox.control("shop", "force_delete", order=int(number))
    while not page.caught_up:
        page = await one_page(connector, "orders", page.next)
        seen |= {record.external_id for record in page.records}
    assert known(shop, "orders_in_any") <= seen


async def test_orders_changed_while_the_backfill_reads_come_with_the_next_run(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    connector = connect(shop)
    page = await one_page(connector, "orders", None)
    read_early = int(page.records[0].external_id)
    sandbox.control("shop", "edit_order", order=read_early, note="changed meanwhile")
    while not page.caught_up:
        page = await one_page(connector, "orders", page.next)
    later = await run(connector, "orders", page.next)
    assert later.rows[str(read_early)].note == "changed meanwhile"


async def test_a_store_without_orders_catches_up_and_then_gives_its_first(sandbox: Sandbox, connect: Connect) -> None:
    empty = sandbox.store("empty")
    first = await run(connect(empty), "orders")
    assert not first.records
    placed = sandbox.control("empty", "place_order", total="9.99")
    later = await run(connect(empty), "orders", first.cursor)
    assert set(later.rows) == {str(placed["order_id"])}


async def test_refunds_are_read_once_and_then_only_the_new_ones(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    first = await run(connect(shop), "refunds")
    assert set(first.rows) == known(shop, "refunds")
    assert sum(row.amount for row in first.rows.values()) == Decimal(sum(r.amount for r in shop.refunds.values())) / 100
    made: Any = sandbox.control("shop", "refund", amount="1.00")
    later = await run(connect(shop), "refunds", first.cursor)
    assert later.rows[str(made["refund_id"])].order_id == str(made["order_id"])
    assert len(later.records) <= 11
    gone = sorted(shop.refunds)[: len(shop.refunds) // 2]
    for number in gone:
        sandbox.control("shop", "delete_refund", refund=number)
    last: Any = sandbox.control("shop", "refund", amount="1.00")
    assert str(last["refund_id"]) in (await run(connect(shop), "refunds", later.cursor)).rows


async def test_products_come_with_every_variation_and_their_stock(shop: Store, connect: Connect) -> None:
    rows = (await run(connect(shop), "products")).rows
    assert known(shop, "products") | known(shop, "variations") <= set(rows)
    stock: Any = truth(shop)["stock"]
    for line in stock:
        mine = rows[str(line["variation_id"] or line["product_id"])]
        assert mine.stock_tracked == line["manage_stock"]
        assert mine.quantity == line["stock_quantity"]


async def test_a_variation_sold_out_is_seen_when_the_catalogue_is_read_again(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    first = await run(connect(shop), "products")
    variation = next(row for row in shop.variations.values() if row.managed)
    sandbox.control("shop", "sell_out", sku=variation.sku)
    cursor = first.cursor | {"whole_at": 0}  # long ago
    later = await run(connect(shop), "products", cursor)
    assert later.rows[str(variation.id)].quantity == 0


async def test_a_clock_that_was_ahead_does_not_put_the_catalogue_off(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    first = await run(connect(shop), "products")
    assert len((await run(connect(shop), "products", first.cursor)).rows) < 5
    in_a_year = first.cursor["whole_at"] + 365 * 86_400
    assert known(shop, "products") <= set(
        (await run(connect(shop), "products", first.cursor | {"whole_at": in_a_year})).rows
    )


async def test_a_product_names_every_variation_that_its_list_or_the_listing_has(shop: Store, connect: Connect) -> None:
    rows = (await run(connect(shop), "products")).rows
    for family in (each for each in shop.products.values() if each.variations):
        assert rows[str(family.id)].variant_ids == tuple(sorted(str(each.id) for each in family.variations))


async def test_a_product_whose_last_variation_was_deleted_says_that_it_has_none(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    family = next(each for each in shop.products.values() if each.variations)
    for each in list(family.variations):
        sandbox.control("shop", "delete_product", sku=each.sku)
    assert (await run(connect(shop), "products")).rows[str(family.id)].variant_ids == ()


async def test_a_changed_product_is_read_without_the_others(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    first = await run(connect(shop), "products")
    simple = next(row for row in shop.products.values() if row.managed and not row.variations)
    sandbox.control("shop", "restock", sku=simple.sku, quantity=77)
    later = await run(connect(shop), "products", first.cursor)
    assert later.rows[str(simple.id)].quantity == 77
    assert len(later.records) < 30


@pytest.mark.parametrize("stream", ["customers", "coupons", "taxes"])
async def test_streams_without_a_cursor_are_read_whole_each_time(shop: Store, connect: Connect, stream: str) -> None:
    first = await run(connect(shop), stream)
    assert set(first.rows) == known(shop, stream)
    assert first.cursor == {}
    assert set((await run(connect(shop), stream, first.cursor)).rows) == known(shop, stream)


@pytest.mark.parametrize("cursor", [{"at": 5}, {"position": "x"}, {"marks": {"any": 3}}, {"offset": "many"}])
async def test_a_cursor_that_cannot_be_read_starts_over(shop: Store, connect: Connect, cursor: dict[str, Any]) -> None:
    for stream in ("orders", "refunds", "taxes"):
        assert (await one_page(connect(shop), stream, cursor)).records


async def test_a_modification_date_in_the_future_does_not_end_the_reading(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    shop.orders[max(shop.orders)].modified += 400 * 86400
    shop.version += 1
    first = await run(connect(shop), "orders")
    assert "not a believable date" in first.rejected[0].reason
    placed = sandbox.control("shop", "place_order", total="3.00")
    later = await run(connect(shop), "orders", first.cursor)
    assert str(placed["order_id"]) in later.rows


@pytest.mark.parametrize("stream", ["orders", "products", "refunds", "customers", "coupons", "taxes"])
async def test_all_ids_are_listed_for_reconciliation(shop: Store, connect: Connect, stream: str) -> None:
    found: set[str] = set()
    cursor: dict[str, Any] | None = None
    for _ in range(50):
        part = await connect(shop).ids(stream, cursor)
        found |= set(part.ids)
        if part.finished:
            break
        cursor = part.next
    expected = known(shop, stream) | (known(shop, "variations") if stream == "products" else set())
    drafts = {str(order.id) for order in shop.orders.values() if order.status == "checkout-draft"}
    assert found == (expected - drafts if stream == "orders" else expected)


async def test_missing_rows_can_be_fetched_by_their_ids(shop: Store, connect: Connect) -> None:
    wanted = sorted(known(shop, "orders_in_any"))[:3]
    page = await connect(shop).fetch("orders", [*wanted, "999999999"])
    assert {record.external_id for record in page.records} == set(wanted)
    assert page.caught_up
    assert not (await connect(shop).fetch("orders", [])).records
