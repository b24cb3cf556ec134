from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.sandbox.amazon import states
from portal.sandbox.amazon.inventory import is_own
from portal.sandbox.truth import truth
from tests.sandbox.amazon.conftest import DOCUMENTS, NOW, REPORTS, SUMMARIES, TRANSACTIONS, Account, Open, iso

KIND = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"


def wanted(account: Account, **changes: Any) -> dict[str, Any]:
    return {
        "reportType": KIND,
        "marketplaceIds": list(account.site.options.marketplaces),
        "dataStartTime": iso(NOW - timedelta(days=30)),
        "dataEndTime": iso(NOW),
    } | changes


async def test_a_report_has_the_orders_of_its_window(opened: Open) -> None:
    account = await opened(orders=300)
    start = NOW - timedelta(days=30)
    rows = await account.report(start, NOW)
    window = {
        states.number(order)
        for order in account.store.orders.values()
        if start.timestamp() <= order.created <= NOW.timestamp()
    }
    assert {row["amazon-order-id"] for row in rows if row["sales-channel"] != "Non-Amazon"} == window
    lines = sum(len(order.lines) for order in account.store.orders.values() if states.number(order) in window)
    assert sum(row["sales-channel"] != "Non-Amazon" for row in rows) == lines


async def test_a_report_takes_its_time_and_goes_through_its_states(opened: Open) -> None:
    account = await opened(report_seconds=3_000.0)
    asked = (await account.ask(REPORTS, method="POST", json=wanted(account))).body["reportId"]
    seen = []
    while not seen or seen[-1] not in ("DONE", "CANCELLED"):
        seen.append((await account.get(f"{REPORTS}/{asked}"))["processingStatus"])
    assert list(dict.fromkeys(seen)) == ["IN_QUEUE", "IN_PROGRESS", "DONE"]


async def test_a_window_without_orders_is_cancelled_and_a_failing_report_fatal(account: Account) -> None:
    empty = wanted(account, dataStartTime=iso(NOW - timedelta(days=700)), dataEndTime=iso(NOW - timedelta(days=680)))
    account.control("fail_reports", times=1)
    told = []
    for body in (wanted(account), empty):
        asked = (await account.ask(REPORTS, method="POST", json=body)).body["reportId"]
        while (status := (await account.get(f"{REPORTS}/{asked}"))["processingStatus"]).startswith("IN_"):
            pass
        told.append(status)
    assert told == ["FATAL", "CANCELLED"]


@pytest.mark.parametrize(
    "changes",
    [
        {"reportType": "GET_EVERYTHING"},
        {"marketplaceIds": []},
        {"dataStartTime": iso(NOW - timedelta(days=40))},
        {"dataEndTime": iso(NOW + timedelta(days=1))},
        {"dataStartTime": iso(NOW), "dataEndTime": iso(NOW - timedelta(days=1))},
    ],
)
async def test_what_cannot_be_reported_is_refused(account: Account, changes: dict[str, Any]) -> None:
    answer = await account.ask(REPORTS, method="POST", json=wanted(account, **changes))
    assert (answer.status, answer.error["code"]) == (400, "InvalidInput")


async def test_a_documents_address_needs_no_token_and_lives_five_minutes(account: Account) -> None:
    await account.report(NOW - timedelta(days=30), NOW)
    reports = await account.get(REPORTS, reportTypes=KIND)
    document = await account.get(f"{DOCUMENTS}/{reports['reports'][0]['reportDocumentId']}")
    assert document["compressionAlgorithm"] == "GZIP"
    async with account.session.get(document["url"]) as answer:
        assert answer.status == 200
    account.control("set_now", now=(NOW + timedelta(minutes=20)).isoformat())
    async with account.session.get(document["url"]) as answer:
        assert answer.status == 403


async def test_one_can_have_reports_forgotten(account: Account) -> None:
    asked = (await account.ask(REPORTS, method="POST", json=wanted(account))).body["reportId"]
    account.control("forget_reports")
    assert (await account.ask(f"{REPORTS}/{asked}")).status == 404


async def money(account: Account, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    token = ""
    while True:
        payload = (await account.get(TRANSACTIONS, **query, **({"nextToken": token} if token else {})))["payload"]
        rows += payload["transactions"]
        token = payload.get("nextToken", "")
        if not token:
            return rows


async def test_refunds_are_posted_as_they_were_given(opened: Open) -> None:
    account = await opened(orders=300)
    rows: list[dict[str, Any]] = []
    for days in (400, 230, 60):
        since, until = NOW - timedelta(days=days), NOW - timedelta(days=max(0, days - 170))
        rows += await money(account, postedAfter=iso(since), postedBefore=iso(until))
    posted = {row["transactionId"] for row in rows if row["transactionType"] == "Refund"}
    shown = (NOW - timedelta(days=2)).timestamp()
    real = {f"R{each.id}" for each in account.store.refunds.values() if each.created < shown}
    assert {each for each in posted if not each.endswith("L")} == real  # releases of held money have an id of their own
    assert len(real) > 10


async def test_each_transaction_is_the_sum_of_its_breakdowns(account: Account) -> None:
    for row in await money(account, postedAfter=iso(NOW - timedelta(days=170))):
        parts = [
            Decimal(str(part["breakdownAmount"]["currencyAmount"]))
            for item in row["items"]
            for part in item["breakdowns"]
        ]
        assert sum(parts) == Decimal(str(row["totalAmount"]["currencyAmount"]))


async def test_a_range_of_more_than_180_days_is_empty(account: Account) -> None:
    found = await account.get(TRANSACTIONS, postedAfter=iso(NOW - timedelta(days=300)))
    assert found == {"payload": {"transactions": []}}


async def test_what_was_posted_in_the_last_two_days_is_not_shown_yet(account: Account) -> None:
    made = account.control("refund")
    later = NOW + timedelta(days=1)
    account.control("set_now", now=later.isoformat())
    await account.sign_in()
    assert f"R{made['refund_id']}" not in {row["transactionId"] for row in await money(account, postedAfter=iso(NOW))}
    account.control("set_now", now=(NOW + timedelta(days=3)).isoformat())
    await account.sign_in()
    assert f"R{made['refund_id']}" in {row["transactionId"] for row in await money(account, postedAfter=iso(NOW))}


async def test_what_lies_at_amazon_is_the_truths_and_its_next_token_dies(opened: Open) -> None:
    account = await opened(orders=2000, marketplaces=("ATVPDKIKX0DER",))
    query = {"granularityType": "Marketplace", "granularityId": "ATVPDKIKX0DER", "marketplaceIds": "ATVPDKIKX0DER",
             "details": "true"}  # fmt: skip
    found: dict[str, int] = {}
    token = ""
    while True:
        page = await account.get(SUMMARIES, **query, **({"nextToken": token} if token else {}))
        rows = page["payload"]["inventorySummaries"]
        found |= {row["sellerSku"]: row["inventoryDetails"]["fulfillableQuantity"] for row in rows}
        last, token = token, page.get("pagination", {}).get("nextToken", "")
        if not token:
            break
    told: Any = truth(account.store)["stock"]
    own = {each.sku for each in account.store.sellables() if is_own(each)}
    assert {sku: units for sku, units in found.items() if sku not in own} == {
        row["sku"]: row["stock_quantity"] for row in told if row["manage_stock"] and row["sku"] not in own
    }
    assert set(found) & own, "some units are left over of what the seller ships himself today"
    account.control("set_now", now=(NOW + timedelta(minutes=12)).isoformat())
    assert (await account.ask(SUMMARIES, **query, nextToken=last)).status == 400


async def test_the_truth_leaves_pending_and_cancelled_orders_out(account: Account) -> None:
    before: Any = truth(account.store)["revenue"]
    account.control("place_order", status="pending", total="500.00")
    account.control("cancel_order", order=account.control("place_order", total="77.00")["order_id"])
    assert truth(account.store)["revenue"] == before
    account.control("place_order", total="10.00")
    after: Any = truth(account.store)["revenue"]
    grown = {row["currency"]: Decimal(row["gross"]) for row in after}
    assert grown["GBP"] == Decimal(next(row["gross"] for row in before if row["currency"] == "GBP")) + 10
