from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from portal.commerce.records import Fee, Order, OrderStatus, Product, Refund
from portal.connectors.amazon import history, proven
from portal.foundation.errors import Permanent, Temporary
from portal.sandbox.amazon import states
from tests.connectors.amazon.conftest import Open, Seller, read


def ids(account: Seller) -> set[str]:
    return {states.number(order) for order in account.store.orders.values()}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def test_history_comes_through_reports_and_every_order_once(account: Seller) -> None:
    found = await read(account.connect(), "orders")
    assert {each.external_id for each in found.of(Order)} == ids(account)
    assert not found.rejected
    assert account.site.asked["createReport"] == 25  # two years, thirty days at a time
    assert account.site.asked["searchOrders"] <= 2
    assert account.site.asked_personal == 0


async def test_each_marketplace_keeps_its_currency(account: Seller) -> None:
    orders = (await read(account.connect(), "orders")).of(Order)
    kept = Counter((each.meta["marketplace"], each.currency) for each in orders)
    assert set(kept) == {("A1F83G8C2ARO7P", "GBP"), ("A1PA6795UKMFR9", "EUR")}
    assert kept == Counter((order.via, order.currency) for order in account.store.orders.values())


async def test_a_marketplace_that_was_not_chosen_is_not_read(account: Seller) -> None:
    found = await read(account.connect(marketplace_ids="A1PA6795UKMFR9"), "orders")
    assert {each.currency for each in found.of(Order)} == {"EUR"}


async def test_a_killed_worker_goes_on_in_the_middle_of_a_report(
    account: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 3)
    found = await read(account.connect, "orders")
    assert {each.external_id for each in found.of(Order)} == ids(account)
    assert account.site.asked["createReport"] == 25
    inside = [page.next["windows"]["line"] for page in found.pages if page.next.get("windows", {}).get("line")]
    assert len(inside) > 5
    assert sum(len(page.records) for page in found.pages) <= len(ids(account)) + 20  # hardly anything twice


async def test_a_failed_report_is_asked_for_again(account: Seller) -> None:
    account.control("fail_reports", times=2)
    found = await read(account.connect(), "orders")
    assert {each.external_id for each in found.of(Order)} == ids(account)
    assert account.site.asked["createReport"] == 27


async def test_a_report_that_fails_again_and_again_is_said_and_tried_later(account: Seller) -> None:
    account.control("fail_reports", times=1000)
    with pytest.raises(Temporary, match="could not make the report"):
        await read(account.connect(), "orders")
    account.control("fail_reports", times=0)
    assert {each.external_id for each in (await read(account.connect(), "orders")).of(Order)} == ids(account)


async def test_reports_that_amazon_forgot_are_asked_for_again(account: Seller) -> None:
    first = await read(account.connect(), "orders", pages=3)
    account.control("forget_reports")
    rest = await read(account.connect(), "orders", first.cursor)
    assert {each.external_id for each in (*first.of(Order), *rest.of(Order))} == ids(account)


async def test_a_document_that_is_cut_off_is_fetched_again(account: Seller) -> None:
    account.control("fault", kind="truncated", path="/_documents/")
    connector, seen, cursor = account.connect(), set(), None
    troubles = 0
    while True:
        try:
            page = await connector.page("orders", cursor)
        except Temporary:
            troubles += 1
            continue
        seen |= {each.external_id for each in page.records}
        cursor = page.next
        if page.caught_up:
            break
    assert (seen, troubles) == (ids(account), 1)


async def test_changes_come_by_search_from_the_mark_that_amazon_gave(account: Seller) -> None:
    connector = account.connect()
    first = await read(connector, "orders")
    assert set(first.cursor) == {"since"}
    again = await read(connector, "orders", first.cursor)
    assert len(again.pages) == 1
    moment = datetime.now(UTC) - timedelta(minutes=1)
    for total in ("12.34", "5.00"):
        account.control("place_order", total=total, created=moment.isoformat())
    found = await read(connector, "orders", again.cursor)
    assert {each.total for each in found.of(Order)} >= {Decimal("12.34"), Decimal("5.00")}
    assert account.site.asked["createReport"] == 25


async def test_an_empty_page_with_a_token_is_not_the_end(opened: Open) -> None:
    account = await opened(orders=250)
    found = await read(account.connect(), "orders", {"since": ago(days=500), "token": ""} | {"until": ""}, pages=1)
    assert "windows" in found.cursor  # too long ago to search
    from portal.connectors.amazon import orders

    client, cursor, seen, sizes = account.connect().client, {}, set(), []
    while True:
        page = await orders.page(client, cursor, datetime.now(UTC) - timedelta(days=500))
        sizes.append(len(page.records))
        seen |= {each.external_id for each in page.records}
        cursor = page.next
        if page.caught_up:
            break
    assert sizes[1] == 0
    assert sizes[0] == 100
    settled = {states.number(o) for o in account.store.orders.values() if o.modified < account.store.clock.now() - 300}
    assert settled <= seen


async def test_after_a_long_absence_changes_come_through_reports(account: Seller) -> None:
    found = await read(account.connect(), "orders", {"since": ago(days=40)})
    since = account.store.clock.now() - 40 * 86_400
    changed = {states.number(order) for order in account.store.orders.values() if order.modified >= since}
    assert changed <= {each.external_id for each in found.of(Order)}
    assert account.site.asked["createReport"] == 2


async def test_a_pending_order_is_corrected_when_it_gets_its_total(account: Seller) -> None:
    connector = account.connect()
    moment = datetime.now(UTC) - timedelta(minutes=10)
    made = account.control("place_order", total="49.90", status="pending", created=moment.isoformat())
    cursor = {"since": ago(minutes=20)}
    [before] = [
        each for each in (await read(connector, "orders", cursor)).of(Order) if each.external_id == made["order_id"]
    ]
    assert (before.status, before.total, before.paid_at) == (OrderStatus.PENDING, 0, None)
    account.control("edit_order", order=made["order_id"], status="processing")
    account.store.orders[made["id"]].modified -= 200
    [after] = [
        each for each in (await read(connector, "orders", cursor)).of(Order) if each.external_id == made["order_id"]
    ]
    assert (after.status, after.total) == (OrderStatus.PROCESSING, Decimal("49.90"))
    assert after.modified_at > before.modified_at


async def test_a_cursor_of_another_time_begins_again(account: Seller) -> None:
    for cursor in ({"windows": {"kind": 5}}, {"since": "yesterday"}, {"odd": 1}):
        page = await account.connect().page("orders", cursor)
        assert page.next["windows"]["kind"].endswith("BY_ORDER_DATE_GENERAL")


async def test_refunds_and_fees_are_those_of_the_account(account: Seller) -> None:
    found = await read(account.connect(), "refunds")
    assert not found.rejected
    told = {each.external_id: each.amount for each in found.of(Refund)}
    real = {f"R{each.id}": Decimal(each.amount) / 100 for each in account.store.refunds.values() if each.amount}
    assert told == real
    assert sum(1 for page in found.pages if not page.records and not page.caught_up) >= 1  # empty pages with a token
    fees = found.of(Fee)
    assert {each.kind for each in fees} >= {"Commission", "FBAPerUnitFulfillmentFee", "RefundCommission"}
    assert all(each.order_id for each in fees)


async def test_a_refund_of_today_is_shown_by_amazon_two_days_later(opened: Open) -> None:
    account = await opened(hidden_hours=48.0)
    connector = account.connect()
    first = await read(connector, "refunds")
    made = account.control("refund")
    known = f"R{made['refund_id']}"
    assert known not in {each.external_id for each in (await read(connector, "refunds", first.cursor)).of(Refund)}
    account.control("set_now", now=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    await connector.test()  # tells the connector what time it is at Amazon
    later = await read(connector, "refunds", first.cursor)
    assert {each.external_id: each.amount for each in later.of(Refund)}[known] == Decimal(made["amount"])


async def test_named_rows_can_be_fetched(account: Seller) -> None:
    connector = account.connect()
    wanted = sorted(ids(account))[:3]
    orders = await connector.fetch("orders", [*wanted, "999-0000000-0000000"])
    assert {each.external_id for each in orders.records} == set(wanted)
    products = (await read(connector, "products")).of(Product)
    some = [each.external_id for each in products[:4]]
    assert {each.external_id for each in (await connector.fetch("products", some)).records} == set(some)
    assert not (await connector.fetch("refunds", ["R1"])).records


async def test_the_last_days_orders_are_listed_to_compare_and_the_list_is_not_complete(account: Seller) -> None:
    connector = account.connect()
    page = await connector.ids("orders", None)
    since = account.store.clock.now() - 7 * 86_400 + 60
    latest = account.store.clock.now() - 200
    recent = {states.number(o) for o in account.store.orders.values() if since < o.created < latest}
    assert recent <= set(page.ids)
    assert recent
    assert (page.complete, page.finished) == (False, False)
    assert page.listed[next(iter(recent))].currency in {"GBP", "EUR"}
    assert page.covers is not None
    older = set[str]()
    while not page.finished:
        page = await connector.ids("orders", page.next)
        older |= set(page.ids)
    assert page.covers is not None
    begins, ends = page.covers[0].timestamp(), page.covers[1].timestamp()
    assert older >= {states.number(o) for o in account.store.orders.values() if begins < o.created < ends}


def test_sixty_days_are_covered_in_six_nights() -> None:
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    for first in range(6):
        nights = [proven.older(now + timedelta(days=first + night, hours=night)) for night in range(6)]
        for days in range(7, 60):
            day = now + timedelta(days=first) - timedelta(days=days)
            assert any(start <= day and day + timedelta(days=1) <= end for start, end in nights), days


async def test_the_stock_is_listed_whole(account: Seller) -> None:
    found: set[str] = set()
    cursor = None
    while True:
        page = await account.connect().ids("products", cursor)
        found |= set(page.ids)
        if page.finished:
            break
        cursor = page.next
    assert found == {each.external_id for each in (await read(account.connect(), "products")).of(Product)}
    assert page.complete


async def test_an_unknown_stream_is_refused_with_the_known_ones(account: Seller) -> None:
    with pytest.raises(Permanent) as wrong:
        await account.connect().page("coupons", None)
    assert "orders" in wrong.value.advice
