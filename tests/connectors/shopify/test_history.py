"""The history of a shop by bulk operation, and what is done when one fails, expires, or is left by a killed worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from portal.commerce.records import Order
from portal.connectors.shopify import history
from portal.foundation.errors import ConnectorError, RateLimited, Temporary
from portal.sandbox import Sandbox
from portal.sandbox.shopify.states import word
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import FAST, Connect, spec
from tests.connectors.shopify.counting import revenue, split, true_revenue
from tests.connectors.woocommerce.reading import one_page, run


@pytest.fixture
async def slow() -> AsyncIterator[Sandbox]:
    """A store whose exports take longer than a test."""
    options = replace(FAST, bulk_seconds=60)
    async with Sandbox([spec(orders=20, shopify=options)]) as running:
        yield running


async def test_the_history_equals_the_truth_to_the_cent(shop: Store, connect: Connect) -> None:
    found = await run(connect(shop), "orders")
    assert not found.rejected
    orders, refunds = split(found)
    assert len(orders) == len(shop.orders)
    assert len(refunds) == len(shop.refunds)
    assert revenue(orders, refunds) == true_revenue(shop)
    assert {each.currency for each in orders.values()} == {"EUR"}
    assert any("presentment_currency" in each.meta for each in orders.values())
    assert {number: each.source_status for number, each in orders.items()} == {
        str(row.id): word(row) for row in shop.orders.values()
    }


async def test_page_by_page_gives_the_same_records_as_the_export(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    exported = await run(connect(shop), "orders")
    paged = await run(connect(shop), "orders", {"shop": "shop.myshopify.com"})
    assert len(paged.pages) > 5
    assert split(paged) == split(exported)


async def test_a_killed_worker_goes_on_in_the_middle_of_an_export(
    shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROOTS", 40)
    rows: dict[str, Any] = {}
    cursor, operations = None, set()
    for _ in range(60):
        page = await one_page(connect(shop), "orders", cursor)  # a new object each time: nothing is remembered
        rows |= {each.external_id: each for each in page.records if isinstance(each, Order)}
        cursor = page.next
        if cursor.get("history"):
            operations.add(cursor["history"].get("operation"))
        if page.caught_up:
            break
    assert len(rows) == len(shop.orders)
    assert len(operations) == 1, "the export was started once"


async def test_an_export_that_a_killed_worker_began_is_taken_up(slow: Sandbox, connect: Connect) -> None:
    shop = slow.store("shop")
    before = await one_page(connect(shop), "orders", None)  # started, and the worker died before the commit
    again = await one_page(connect(shop), "orders", None)
    assert before.next == again.next


async def test_a_page_of_an_export_is_small_however_large_the_file_is(
    shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROOTS", 25)
    found = await run(connect(shop), "orders")
    assert max(page.fetched for page in found.pages) == 25
    assert {page.total for page in found.pages if page.fetched == 25} == {len(shop.orders)}


async def test_an_export_that_fails_is_tried_again_and_then_given_up_for_pages(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "fail_bulk", times=1)
    assert len(split(await run(connect(shop), "orders"))[0]) == len(shop.orders)
    sandbox.control("shop", "fail_bulk", times=5)
    assert len(split(await run(connect(shop), "orders"))[0]) == len(shop.orders)


async def test_an_export_that_expired_is_made_again(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    page = await one_page(connect(shop), "orders", None)
    sandbox.control("shop", "expire_exports")
    found = await run(connect(shop), "orders", page.next)
    assert len(split(found)[0]) == len(shop.orders)


async def test_a_download_that_is_cut_is_a_passing_trouble_and_made_again(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "fault", kind="cut", path="_exports")
    connector, cursor, troubles = connect(shop), None, []
    rows: dict[str, Any] = {}
    for _ in range(60):
        try:
            page = await one_page(connector, "orders", cursor)
        except ConnectorError as wrong:
            troubles.append(wrong)
            continue
        rows |= {each.external_id: each for each in page.records}
        cursor = page.next
        if page.caught_up:
            break
    assert [type(each) for each in troubles] == [Temporary]
    assert set(rows) >= {str(each) for each in shop.orders}


async def test_too_many_exports_at_once_are_waited_for(slow: Sandbox, connect: Connect) -> None:
    (site,) = slow.sites
    for number in range(5):
        query = f"{{ orders {{ edges {{ node {{ id n{number}: name }} }} }} }}"
        site.api.exports.start(query, frozenset({"read_orders"}))  # type: ignore[attr-defined]
    with pytest.raises(RateLimited) as wrong:
        await one_page(connect(site.store), "orders", None)
    assert wrong.value.retry_after


async def test_an_empty_shop_is_said_to_be_empty_at_once(sandbox: Sandbox, connect: Connect) -> None:
    page = await connect(sandbox.store("empty")).page("orders", None)
    assert (page.caught_up, page.total, list(page.records)) == (True, 0, [])
