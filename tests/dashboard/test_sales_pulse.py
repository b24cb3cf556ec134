"""`GET /api/v1/dashboard/sales-pulse`: exactly the documented body, and its numbers are the ledger's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.commerce.records import Fulfilment, OrderStatus
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import line, order, refund

PATH = "/api/v1/dashboard/sales-pulse"
KEYS = [
    "date",
    "total_revenue",
    "total_orders",
    "avg_order_value",
    "revenue_vs_last_week_pct",
    "orders_vs_last_week_pct",
    "fulfillment_rate_pct",
    "top_5_skus",
]


async def test_without_a_store_everything_is_unknown_not_zero(org: UUID, sign_in: SignIn) -> None:
    body = (await (await sign_in("member", org)).get(PATH)).json()
    assert list(body) == KEYS
    assert body["date"] == datetime.now(UTC).date().isoformat()
    assert [body[name] for name in KEYS[1:-1]] == [None] * 6
    assert body["top_5_skus"] == []


async def test_a_store_without_orders_has_zeros_where_zero_is_known(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    await ledgers.finish_streams(rt, org, connection)
    body = (await (await sign_in("member", org)).get(PATH)).json()
    assert (body["total_revenue"], body["total_orders"]) == (0, 0)
    assert body["avg_order_value"] is body["revenue_vs_last_week_pct"] is body["fulfillment_rate_pct"] is None


async def test_the_numbers_are_what_was_written(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    week = timedelta(days=7)
    first = order("100.00", line("LAMP", "84.03", 2))
    await ledgers.write(
        rt,
        org,
        connection,
        first,
        refund(first, "10.00"),
        order("50.50", line("CHAIR", "50.50"), status=OrderStatus.PROCESSING, fulfilment=Fulfilment.UNFULFILLED),
        order("999.00", line("NEVER"), status=OrderStatus.CANCELLED),
        order("999.00", line("NEVER"), is_test=True),
        order("70.25", line("LAMP", "70.25"), at=ledgers.now() - week - timedelta(hours=1)),
        order("500.00", line("LAMP", "500.00", 5), at=ledgers.now() - week + timedelta(hours=1)),
    )
    answer = await (await sign_in("owner", org)).get(PATH)
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == KEYS
    async with tenant(rt.database, org) as scope:
        zone = await scope.sql.fetchval("SELECT timezone FROM organizations")
    assert body.pop("date") == datetime.now(ZoneInfo(zone)).date().isoformat()
    assert body == {
        "total_revenue": 140.50,
        "total_orders": 2,
        "avg_order_value": 70.25,
        "revenue_vs_last_week_pct": 100.0,
        "orders_vs_last_week_pct": 100.0,
        "fulfillment_rate_pct": 50.0,
        "top_5_skus": [
            {"sku": "LAMP", "revenue_30d": 654.28, "units_sold_30d": 8},
            {"sku": "CHAIR", "revenue_30d": 50.50, "units_sold_30d": 1},
        ],
    }
    assert [list(each) for each in body["top_5_skus"]] == [["sku", "revenue_30d", "units_sold_30d"]] * 2
    assert b'"total_revenue":140.50,' in answer.body, "money keeps its cents and is a number"


async def test_currencies_without_a_rate_are_never_added(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("10.00"), order("7000", currency="JPY"))
    body = (await (await sign_in("owner", org)).get(PATH)).json()
    assert (body["total_revenue"], body["total_orders"], body["avg_order_value"]) == (10.00, 2, 10.00)


async def test_money_is_exact_beyond_what_floats_can_hold(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("90071992547409.93"), order("0.10"), order("0.20"))
    answer = await (await sign_in("owner", org)).get(PATH)
    assert b'"total_revenue":90071992547410.23,' in answer.body


async def test_two_stores_of_one_organization_are_added(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    for name in ("Berlin", "Hamburg"):
        connection = await ledgers.connect(rt, org, name)
        await ledgers.write(rt, org, connection, order("25.00", line("SAME", "25.00"), id="1"))
    body = (await (await sign_in("owner", org)).get(PATH)).json()
    assert (body["total_revenue"], body["total_orders"]) == (50.00, 2)
    assert body["top_5_skus"] == [{"sku": "SAME", "revenue_30d": 50.00, "units_sold_30d": 2}]


async def test_the_roles_that_may_read_it(org: UUID, sign_in: SignIn) -> None:
    for role in ("owner", "member", "operator"):
        for via in ("session", "token"):
            assert (await (await sign_in(role, org, via=via)).get(PATH)).status == 200, (role, via)
    assert (await (await sign_in("member", org, via="api_key")).get(PATH)).status == 200
    refused = await (await sign_in("agent", org)).get(PATH)
    assert refused.status == 403
    assert set(refused.json()) == {"error", "details"}
    agency = await sign_in("superadmin")
    chosen = await agency.get(PATH)
    assert chosen.status == 400
    assert "x-org-id" in chosen.json()["details"]["advice"]
    assert (await agency.get(PATH, headers={"x-org-id": str(org)})).status == 200


async def test_a_sum_of_which_nothing_could_be_converted_is_unknown_not_zero(
    rt: Runtime, org: UUID, sign_in: SignIn
) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("70.00", currency="SEK"), order("5.00", currency="SEK"))
    visitor = await sign_in("member", org)
    body = (await visitor.get(PATH)).json()
    assert (body["total_orders"], body["total_revenue"], body["avg_order_value"]) == (2, None, None)
    assert body["revenue_vs_last_week_pct"] is None
    page = (await visitor.page("/dashboard")).text
    assert "no rate for their currency" in page
    assert "no orders yet today" not in page


async def test_the_stores_together_are_the_sales_pulse_to_the_cent(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(
            "INSERT INTO exchange_rates VALUES ($1, $2, 'SEK', 0.5)", org, ledgers.now().date() - timedelta(days=1)
        )
    for name in ("Berlin", "Lyon"):  # half a cent each: shown as one each, and one together
        await ledgers.write(rt, org, await ledgers.connect(rt, org, name), order("0.01", currency="SEK"))
    visitor = await sign_in("member", org)
    stores = (await visitor.get("/api/v1/dashboard/stores")).json()
    assert [each["revenue"] for each in stores["stores"]] == [0.01, 0.01]
    assert stores["revenue"] == (await visitor.get(PATH)).json()["total_revenue"] == 0.01
