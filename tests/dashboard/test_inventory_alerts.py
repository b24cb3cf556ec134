"""`GET /api/v1/dashboard/inventory-alerts`: the documented body, severities by the published rules, its parameters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import line, order, product
from tests.visitors import Visitor

PATH = "/api/v1/dashboard/inventory-alerts"
ALERT_KEYS = [
    "sku",
    "product_name",
    "alert_type",
    "alert_severity",
    "quantity_available",
    "days_of_cover",
    "reorder_point",
    "units_sold_30d",
]


@pytest.fixture
async def reader(rt: Runtime, org: UUID, sign_in: SignIn) -> Visitor:
    """A member of an organization with one item of every kind."""
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    sold = {"OUT-SOLD": 3, "LOW-2": 45, "LOW-10": 60, "LOW-EASY": 2, "FINE": 30, "SLOW": 1}
    await ledgers.write(
        rt,
        org,
        connection,
        *(order("10.00", line(sku, "10.00", units)) for sku, units in sold.items()),
        product("OUT-SOLD", 0),
        product("OUT-QUIET", 0),
        product("LOW-2", 3),
        product("LOW-10", 20),
        product("LOW-EASY", 4, low_stock_threshold=ledgers.Decimal(5)),
        product("FINE", 90),
        product("SLOW", 500),
        product("UNTRACKED", None),
        product("DRAFT", 0, status="draft"),
    )
    return await sign_in("member", org)


async def test_the_alerts_are_listed_most_severe_first(reader: Visitor) -> None:
    body = (await reader.get(PATH)).json()
    assert list(body) == ["alerts", "summary"]
    assert [list(each) for each in body["alerts"]] == [ALERT_KEYS] * 6
    found = [
        (each["sku"], each["alert_type"], each["alert_severity"], each["days_of_cover"]) for each in body["alerts"]
    ]
    assert found == [
        ("OUT-SOLD", "out_of_stock", "critical", 0),
        ("LOW-2", "low_stock", "critical", 2),
        ("LOW-10", "low_stock", "high", 10),
        ("OUT-QUIET", "out_of_stock", "medium", None),
        ("LOW-EASY", "low_stock", "medium", 60),
        ("SLOW", "overstock", "low", 15000),
    ]
    assert body["summary"] == {"critical_alerts": 2, "high_alerts": 1, "total_alerts": 6}
    # 60 sold in 30 days are 2 a day; 14 days of lead time and 2 of safety: reorder at 32.
    assert body["alerts"][2] == {
        "sku": "LOW-10",
        "product_name": "Name of LOW-10",
        "alert_type": "low_stock",
        "alert_severity": "high",
        "quantity_available": 20,
        "days_of_cover": 10,
        "reorder_point": 32,
        "units_sold_30d": 60,
    }


async def test_severity_keeps_one_and_the_summary_still_counts_all(reader: Visitor) -> None:
    body = (await reader.get(f"{PATH}?severity=critical")).json()
    assert [each["sku"] for each in body["alerts"]] == ["OUT-SOLD", "LOW-2"]
    assert body["summary"]["total_alerts"] == 6


async def test_limit_bounds_the_list(reader: Visitor) -> None:
    assert len((await reader.get(f"{PATH}?limit=1")).json()["alerts"]) == 1
    assert len((await reader.get(f"{PATH}/?severity=medium&limit=500")).json()["alerts"]) == 2


@pytest.mark.parametrize(
    ("query", "parameter", "allowed"),
    [
        ("severity=urgent", "severity", ["critical", "high", "medium", "low"]),
        ("severity=CRITICAL", "severity", ["critical", "high", "medium", "low"]),
        ("limit=0", "limit", None),
        ("limit=501", "limit", None),
        ("limit=ten", "limit", None),
        ("limit=1e3", "limit", None),
        ("page=2", "page", ["limit", "severity", "store"]),
    ],
)
async def test_an_unknown_value_is_refused_with_the_allowed_ones(
    org: UUID, sign_in: SignIn, query: str, parameter: str, allowed: Any
) -> None:
    answer = await (await sign_in("member", org)).get(f"{PATH}?{query}")
    assert answer.status == 400
    body = answer.json()
    assert set(body) == {"error", "details"}
    assert parameter in body["error"]
    assert body["details"]["parameter"] == parameter
    assert body["details"].get("allowed") == allowed


async def test_without_products_the_counts_are_unknown(org: UUID, sign_in: SignIn) -> None:
    body = (await (await sign_in("member", org)).get(PATH)).json()
    assert body == {"alerts": [], "summary": {"critical_alerts": None, "high_alerts": None, "total_alerts": None}}


async def test_one_sku_twice_in_a_store_is_one_item(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    twins = (product("TWIN", 0, external_id="1"), product("TWIN", 0, external_id="2"))
    await ledgers.write(rt, org, connection, *twins)
    body = (await (await sign_in("member", org)).get(PATH)).json()
    assert [each["sku"] for each in body["alerts"]] == ["TWIN"]
