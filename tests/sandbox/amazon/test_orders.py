from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.sandbox.amazon import states
from portal.sandbox.truth import truth
from tests.sandbox.amazon.conftest import EVERYTHING, NOW, ORDERS, Account, Open, iso

SINCE = iso(NOW - timedelta(days=450))


async def everything(account: Account, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    filters = {"createdAfter": SINCE, "includedData": EVERYTHING} | query
    token = ""
    while True:
        page = await account.get(ORDERS, **filters, **({"paginationToken": token} if token else {}))
        rows += page["orders"]
        token = page.get("pagination", {}).get("nextToken", "")
        if not token:
            return rows


async def test_pages_give_every_order_once_and_the_second_page_is_empty(opened: Open) -> None:
    account = await opened(orders=250)
    first = await account.get(ORDERS, createdAfter=SINCE)
    second = await account.get(ORDERS, createdAfter=SINCE, paginationToken=first["pagination"]["nextToken"])
    assert (len(first["orders"]), second["orders"]) == (100, [])
    assert second["pagination"]["nextToken"]
    found = Counter(row["orderId"] for row in await everything(account))
    assert set(found.values()) == {1}
    assert len(found) == 250


async def test_the_orders_add_up_to_the_truth(opened: Open) -> None:
    account = await opened(orders=200)
    found: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    currencies = {order.via: order.currency for order in account.store.orders.values()}
    for row in await everything(account):
        key = row["fulfillment"]["fulfillmentStatus"], currencies[row["salesChannel"]["marketplaceId"]]
        found[key][0] += 1
        found[key][1] += Decimal(row.get("proceeds", {}).get("grandTotal", {}).get("amount", "0"))
    told: Any = truth(account.store)["statuses"]
    assert {key: tuple(row) for key, row in found.items()} == {
        (row["status"], row["currency"]): (row["orders"], Decimal(row["gross"])) for row in told
    }


async def test_items_add_up_to_their_order(account: Account) -> None:
    for row in await everything(account):
        if "proceeds" in row:
            items = sum(Decimal(each["proceeds"]["proceedsTotal"]["amount"]) for each in row["orderItems"])
            assert items == Decimal(row["proceeds"]["grandTotal"]["amount"])


async def test_pending_and_cancelled_orders_have_no_amounts(account: Account) -> None:
    account.control("place_order", status="pending", total="20.00", created=iso(NOW))
    rows = await everything(account)
    words = {row["orderId"]: row["fulfillment"]["fulfillmentStatus"] for row in rows}
    unpriced = [row for row in rows if words[row["orderId"]] in ("PENDING", "CANCELLED")]
    assert unpriced
    assert all("proceeds" not in row for row in unpriced)


async def test_nothing_of_people_is_there_unless_it_is_asked_for(account: Account) -> None:
    assert all("buyer" not in row and "recipient" not in row for row in await everything(account))
    assert account.site.asked_personal == 0
    [row, *_] = await everything(account, includedData="BUYER")
    assert "buyer" in row
    assert account.site.asked_personal == 1


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": SINCE, "lastUpdatedAfter": SINCE},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2026-06-01T00:00:00"},
        {"lastUpdatedAfter": iso(NOW + timedelta(minutes=9))},
        {"createdAfter": SINCE, "maxResultsPerPage": "101"},
        {"createdAfter": SINCE, "paginationToken": "invented"},
    ],
)
async def test_wrong_parameters_are_refused(account: Account, query: dict[str, str]) -> None:
    answer = await account.ask(ORDERS, **query)
    assert (answer.status, answer.error["code"]) == (400, "InvalidInput")


async def test_a_page_token_lives_a_day(opened: Open) -> None:
    account = await opened(orders=150)
    first = await account.get(ORDERS, createdAfter=SINCE)
    account.control("set_now", now=(NOW + timedelta(days=2)).isoformat())
    await account.sign_in()
    answer = await account.ask(ORDERS, createdAfter=SINCE, paginationToken=first["pagination"]["nextToken"])
    assert answer.status == 400


async def test_a_change_is_found_by_its_time(account: Account) -> None:
    made = account.control("place_order", total="33.00", created=iso(NOW))
    account.control("fulfil_order", order=made["order_id"])
    account.control("set_now", now=(NOW + timedelta(hours=1)).isoformat())
    await account.sign_in()
    answer = await account.get(ORDERS, lastUpdatedAfter=iso(NOW + timedelta(minutes=5)), includedData=EVERYTHING)
    [row] = [each for each in answer["orders"] if each["orderId"] == made["order_id"]]
    assert row["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert row["proceeds"]["grandTotal"]["amount"] == "33.00"
    assert answer["lastUpdatedBefore"] == iso(NOW + timedelta(minutes=58))


async def test_an_order_id_finds_its_order_and_no_other(account: Account) -> None:
    for order in account.store.orders.values():
        assert states.number_of(states.number(order)) == order.id
    assert (await account.ask(f"{ORDERS}/100-0000000-0000400")).status == 404


async def test_cancelling_takes_the_amounts_away(account: Account) -> None:
    made = account.control("place_order", total="33.00")
    assert made["total"] == "33.00"
    assert account.control("cancel_order", order=made["order_id"])["total"] == "0.00"
