from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.commerce.records import Product
from portal.connectors.amazon import offers
from portal.foundation.errors import Forbidden, Temporary
from portal.sandbox.amazon.inventory import is_own, stocked
from portal.sandbox.truth import truth
from tests.connectors.amazon.conftest import Open, Seller, read


def told(account: Seller) -> dict[str, int]:
    rows: Any = truth(account.store)["stock"]
    return {row["sku"]: row["stock_quantity"] for row in rows if row["manage_stock"]}


async def test_stock_at_amazon_and_stock_of_the_sellers_own_are_the_truth_and_nothing_counts_twice(
    account: Seller,
) -> None:
    found = await read(account.connect(), "products")
    given = [each for page in found.pages for each in page.records]
    assert {each.sku: each.quantity for each in found.of(Product)} == told(account)
    assert len(given) == len(told(account)), (
        "a SKU that is left over at Amazon is given once, with the quantity of its offer"
    )
    own = {each.sku for each in account.store.sellables() if each.managed and is_own(each)}
    left_over = {
        each.sku for place in account.site.options.marketplaces for each in stocked(account.store, place)
    } & own
    assert left_over
    assert own <= set(told(account))
    assert {each.external_id.partition(":")[0] for each in found.of(Product)} == set(account.site.options.marketplaces)
    assert not found.rejected


async def test_every_offer_has_its_price_and_name(account: Seller) -> None:
    found = (await read(account.connect(), "products")).of(Product)
    goods = {each.sku: each for each in account.store.sellables()}
    assert all(each.price is not None and int(each.price * 100) == goods[each.sku].price for each in found)
    assert {each.name for each in found} <= {each.full_name for each in goods.values()}


async def test_a_killed_worker_goes_on_in_the_list_of_offers(account: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "AT_ONCE", 4)
    found = await read(account.connect, "products")
    assert {each.sku: each.quantity for each in found.of(Product)} == told(account)
    assert account.site.asked["createReport"] == len(account.site.options.marketplaces)
    assert len([page for page in found.pages if page.next.get("line")]) > 5


async def test_a_seller_who_ships_everything_needs_no_role_for_amazons_warehouses(account: Seller) -> None:
    account.control("set_roles", roles="orders,reports,sellers")
    found = (await read(account.connect(), "products")).of(Product)
    assert found
    goods = {each.sku: each for each in account.store.sellables()}
    assert all(is_own(goods[each.sku]) for each in found)


async def test_without_offers_of_his_own_the_missing_role_is_said(
    account: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.sandbox.amazon.offers_file.is_own", lambda product: False)
    account.control("set_roles", roles="orders,reports,sellers")
    with pytest.raises(Forbidden, match="getInventorySummaries"):
        await read(account.connect(), "products")


async def test_a_list_that_fails_is_asked_for_again_and_then_done_without(account: Seller) -> None:
    account.control("fail_reports", times=1)
    found = await read(account.connect(), "products")
    assert {each.sku: each.quantity for each in found.of(Product)} == told(account)
    account.control("fail_reports", times=1000)
    bare = await read(account.connect(), "products")
    assert len(bare.of(Product)) == sum(
        1 for place in account.site.options.marketplaces for _ in stocked(account.store, place)
    )
    assert {each.external_id for each in bare.rejected} == set(account.site.options.marketplaces)


async def test_a_list_that_is_cut_off_is_asked_for_again(account: Seller) -> None:
    account.control("fault", kind="truncated", path="/_documents/")
    found = await read(account.connect(), "products")
    assert {each.sku: each.quantity for each in found.of(Product)} == told(account)


async def test_a_list_that_amazon_forgot_is_asked_for_again(account: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "AT_ONCE", 4)
    first = await read(account.connect(), "products", pages=4)
    assert first.cursor["document"]
    account.control("forget_reports")
    rest = await read(account.connect(), "products", first.cursor)
    assert {each.sku: each.quantity for each in (*first.of(Product), *rest.of(Product))} == told(account)


@pytest.mark.parametrize("standing", ["report", "document", "listed"])
async def test_a_reading_that_was_left_standing_for_days_asks_for_the_list_of_offers_anew(
    opened: Open, monkeypatch: pytest.MonkeyPatch, standing: str
) -> None:
    monkeypatch.setattr(offers, "AT_ONCE", 4)
    account = await opened(marketplaces=("A1PA6795UKMFR9",))
    cursor: Any = None
    while not (cursor or {}).get(standing):
        cursor = (await account.connect().page("products", cursor)).next
    asked = account.site.asked
    await read(account.connect(), "products", dict(cursor))
    assert asked["createReport"] == 1, "the next worker goes on with the same list"
    cursor["asked"] -= int(timedelta(days=2).total_seconds())
    sold = next(each for each in account.store.sellables() if each.managed and is_own(each))
    account.control("restock", sku=sold.sku, quantity=777)
    anew = await read(account.connect(), "products", cursor)
    assert asked["createReport"] == 2
    assert {each.sku: each.quantity for each in anew.of(Product)} == told(account)
    assert not anew.rejected, "age is no failure of Amazon's"


async def test_the_ids_are_those_of_the_rows_and_without_a_list_not_complete(account: Seller) -> None:
    async def listed() -> tuple[set[str], bool]:
        connector, cursor, seen, complete = account.connect(), None, set(), True
        while True:
            page = await connector.ids("products", cursor)
            seen |= set(page.ids)
            complete, cursor = complete and page.complete, page.next
            if page.finished:
                return seen, complete

    rows = (await read(account.connect(), "products")).of(Product)
    assert await listed() == ({each.external_id for each in rows}, True)
    account.control("fail_reports", times=1000)
    assert (await listed())[1] is False


async def test_named_products_come_from_the_offers_or_from_amazon_and_never_from_both(account: Seller) -> None:
    connector = account.connect()
    rows = {each.external_id: each.quantity for each in (await read(connector, "products")).of(Product)}
    page = await connector.fetch("products", [*rows, "A1F83G8C2ARO7P:NEVER-SOLD"])
    assert {each.external_id: each.quantity for each in page.records} == rows  # type: ignore[union-attr]
    assert len(page.records) == len(rows)


async def test_named_products_wait_for_amazon_only_so_long(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.connectors.amazon.reports._PAUSES", (0.0,))
    account = await opened(report_seconds=500_000.0)
    with pytest.raises(Temporary, match="still making"):
        await account.connect().fetch("products", ["A1F83G8C2ARO7P:X"])


async def test_a_next_token_that_died_begins_its_marketplace_anew(opened: Open) -> None:
    account = await opened(orders=2000, marketplaces=("A1PA6795UKMFR9",))
    connector = account.connect()
    cursor = None
    while not (cursor or {}).get("token"):
        cursor = (await connector.page("products", cursor)).next
    account.control("set_now", now=(datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    page = await connector.page("products", cursor)
    assert (page.next["restarts"], page.next.get("token"), page.caught_up, page.records) == (1, None, False, [])
    rest = await read(connector, "products", page.next)
    assert len(rest.of(Product)) > 50


async def test_next_tokens_that_always_die_are_an_error_and_no_loop(opened: Open) -> None:
    account = await opened(orders=2000, marketplaces=("A1PA6795UKMFR9",), page_seconds=0)
    with pytest.raises(Temporary, match="expired again and again"):
        await read(account.connect(), "products")


async def test_a_cursor_of_another_time_reads_the_stock_anew(account: Seller) -> None:
    for cursor in ({"at": 0, "token": "old", "restarts": 1}, {"at": 99}, {"at": "x"}):
        found = await read(account.connect(), "products", cursor)
        assert {each.sku for each in found.of(Product)} == set(told(account))
