"""Payments, shipments and returns on an order's page, and where stock lies on the inventory page: what is known, and only that."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from portal.commerce.details import Payment, Return, ReturnLine, Shipment, StockAt, Tracking
from portal.commerce.records import Fulfilment
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import order, product

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def shop(rt: Runtime, org: UUID) -> int:
    await ledgers.at_noon(rt, org)
    return await ledgers.connect(rt, org)


async def shown(rt: Runtime, org: UUID, sign_in: SignIn, shop: int, **fields: Any) -> str:
    await ledgers.write(rt, org, shop, order("10.00", id="7", **fields))
    return (await (await sign_in("operator", org)).page(f"/orders/{shop}/7")).text


async def test_what_the_platform_does_not_say_is_not_on_the_page(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    text = await shown(rt, org, sign_in, shop)
    for heading in ("Payments", "Shipments", "Returns"):
        assert f">{heading}<" not in text


async def test_none_at_all_is_said(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    waiting = Fulfilment.UNFULFILLED
    text = await shown(rt, org, sign_in, shop, payments=(), shipments=(), returns=(), fulfilment=waiting)
    for sentence in ("Nothing was paid for this order.", "Nothing was shipped yet.", "Nothing was returned."):
        assert sentence in text


async def test_payments_shipments_and_returns_are_shown(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    paid = Payment(
        kind="sale", status="success", gateway="PayPal", reference="P-1", amount=Decimal("10.00"), currency="USD"
    )
    back = Payment(kind="refund", status="failure", amount=Decimal("4.00"))
    unknown = Payment(kind="capture")
    sent = Shipment(
        status="in_transit",
        units=Decimal(2),
        tracking=(Tracking(carrier="DHL", number="00340", url="https://dhl.example/00340"), Tracking(number="B-2")),
    )
    returned = Return(
        status="requested",
        lines=(ReturnLine(name="Oak lamp", sku="LAMP", quantity=Decimal(1), reason="Damaged: cracked"),),
    )
    text = await shown(rt, org, sign_in, shop, payments=(paid, back, unknown), shipments=(sent,), returns=(returned,))
    for expected in (
        "PayPal · P-1", "$10.00", "−$4.00", "Failure", "not told", "In transit", 'href="https://dhl.example/00340"', "DHL", "B-2",
        "Oak lamp", "LAMP · Damaged: cracked", "Requested",
    ):  # fmt: skip
        assert expected in text, expected


async def test_nothing_of_a_detail_is_interpreted(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    text = await shown(
        rt,
        org,
        sign_in,
        shop,
        payments=(Payment(kind=HOSTILE, status=HOSTILE, gateway=HOSTILE, reference=HOSTILE),),
        shipments=(Shipment(status=HOSTILE, tracking=(Tracking(carrier=HOSTILE, number=HOSTILE),)),),
        returns=(Return(status=HOSTILE, lines=(ReturnLine(name=HOSTILE, reason=HOSTILE),)), Return(number=HOSTILE)),
    )
    assert HOSTILE.lower() not in text.lower()
    assert "&lt;script&gt;" in text


def places(*units: int) -> tuple[StockAt, ...]:
    return tuple(
        StockAt(location_id=str(place), location_name=f"Depot {place}", quantity=Decimal(each))
        for place, each in enumerate(units, 1)
    )


async def test_stock_at_several_locations_is_shown_by_location(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    stock = (product("TWO", 7, stock_at=places(5, 2)), product("ONE", 3, stock_at=places(3)), product("NONE", 3))
    await ledgers.write(rt, org, shop, *stock)
    text = (await (await sign_in("member", org)).page("/inventory?show=all")).text
    assert text.count("2 locations") == 1
    assert "<dt>Depot 1</dt><dd>5</dd><dt>Depot 2</dt><dd>2</dd>" in text
    assert "Depot 3" not in text


async def test_documented_answers_know_nothing_of_locations(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    await ledgers.write(rt, org, shop, product("TWO", 0, stock_at=places(0, 0)))
    visitor = await sign_in("member", org)
    for path in ("/api/v1/dashboard/inventory-alerts", "/dashboard/tiles/inventory-alerts.csv"):
        answer = await visitor.get(path)
        assert answer.status == 200, path
        assert "TWO" in answer.text
        assert "Depot" not in answer.text
