"""Payments, shipments, returns and places of stock, as they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.details import Payment, Return, ReturnLine, Shipment, StockAt, Tracking
from portal.commerce.records import Order, Product
from portal.connectors.shopify import mapping
from tests.connectors.shopify import samples
from tests.connectors.shopify.samples import NOW, Json


def mapped(**changes: Any) -> Order:
    (found, *_) = mapping.order(samples.order(**changes), NOW)
    assert isinstance(found, Order)
    return found


def variant(*levels: Json, **changes: Any) -> Product:
    (_, found) = mapping.product(samples.product(samples.variant(*levels, **changes)), NOW)
    assert isinstance(found, Product)
    return found


def test_every_transaction_is_a_payment_oldest_first_in_shop_money() -> None:
    money = samples.bag("50.79", paid="55.00", paid_in="USD")
    later = {
        "id": "gid://shopify/OrderTransaction/2", "kind": "REFUND", "status": "SUCCESS", "gateway": "paypal",
        "paymentId": "p2", "processedAt": "2026-03-09T10:00:00Z", "amountSet": money,
    }  # fmt: skip
    first = later | {
        "id": "gid://shopify/OrderTransaction/1",
        "kind": "SALE",
        "status": "FAILURE",
        "processedAt": "2026-03-08T09:00:00Z",
    }
    assert mapped(transactions=[later, first]).payments == (
        Payment(
            external_id="1", kind="sale", status="failure", gateway="paypal", reference="p2", amount=Decimal("50.79"),
            currency="EUR", processed_at=datetime(2026, 3, 8, 9, tzinfo=UTC),
        ),
        Payment(
            external_id="2", kind="refund", status="success", gateway="paypal", reference="p2", amount=Decimal("50.79"),
            currency="EUR", processed_at=datetime(2026, 3, 9, 10, tzinfo=UTC),
        ),
    )  # fmt: skip


def test_a_shipment_has_its_parcels_and_says_how_far_it_got() -> None:
    row = {
        "id": "gid://shopify/Fulfillment/5", "createdAt": "2026-03-09T08:00:00Z", "status": "SUCCESS",
        "displayStatus": "IN_TRANSIT", "totalQuantity": 2,
        "trackingInfo": [
            {"company": "DHL", "number": "00340", "url": "https://dhl.example/00340"},
            {"company": None, "number": "B", "url": "javascript:alert(1)"},
        ],
    }  # fmt: skip
    expected = Shipment(
        external_id="5",
        status="in_transit",
        shipped_at=datetime(2026, 3, 9, 8, tzinfo=UTC),
        units=Decimal(2),
        tracking=(Tracking(carrier="DHL", number="00340", url="https://dhl.example/00340"), Tracking(number="B")),
    )
    assert mapped(fulfillments=[row]).shipments == (expected,)
    told = mapped(fulfillments=[row | {"displayStatus": None}]).shipments
    assert told is not None
    assert told[0].status == "success"


def returned(**changes: Any) -> Json:
    return {
        "id": "gid://shopify/Return/3", "name": "#1017-R1", "status": "OPEN", "createdAt": "2026-03-09T11:00:00Z",
        "returnLineItems": {
            "nodes": [
                {
                    "id": "gid://shopify/ReturnLineItem/8", "quantity": 1, "returnReasonNote": "handle broken",
                    "returnReasonDefinition": {"name": "Damaged"},
                    "fulfillmentLineItem": {"lineItem": {"id": "gid://shopify/LineItem/71", "sku": "TP-B", "name": "Teapot"}},
                },
                {"id": "gid://shopify/UnverifiedReturnLineItem/6", "quantity": 2, "returnReasonNote": ""},
            ]
        },
    } | changes  # fmt: skip


def test_a_return_has_its_lines_with_reasons() -> None:
    assert mapped(returnStatus="IN_PROGRESS", returns={"nodes": [returned()]}).returns == (
        Return(
            external_id="3",
            number="#1017-R1",
            status="open",
            requested_at=datetime(2026, 3, 9, 11, tzinfo=UTC),
            lines=(
                ReturnLine(external_id="6", quantity=Decimal(2)),
                ReturnLine(
                    external_id="8",
                    order_line_id="71",
                    sku="TP-B",
                    name="Teapot",
                    quantity=Decimal(1),
                    reason="Damaged: handle broken",
                ),
            ),
        ),
    )


def test_what_is_not_there_is_not_told_and_what_is_empty_is_none() -> None:
    row = mapped(transactions=None, fulfillments=None)
    assert (row.payments, row.shipments, row.returns) == (None, None, None)
    row = mapped(transactions=[], fulfillments=[], returns={"nodes": []})
    assert (row.payments, row.shipments, row.returns) == ((), (), ())


def test_an_order_without_a_return_status_has_no_returns_from_an_export_either() -> None:
    assert mapped(returnStatus="NO_RETURN", returns={"nodes": [returned(status="DECLINED")]}).returns == ()


def test_the_same_details_in_another_order_are_the_same_order() -> None:
    both = [returned(), returned(id="gid://shopify/Return/2")]
    one, other = ({"nodes": rows} for rows in (both, both[::-1]))
    assert mapped(returnStatus="OPEN", returns=one) == mapped(returnStatus="OPEN", returns=other)


@pytest.mark.parametrize(
    "changes",
    [
        {"fulfillments": [{"createdAt": "1066-10-14", "totalQuantity": "two", "trackingInfo": [7]}]},
        {"transactions": [{"kind": "REFUND", "processedAt": "never", "amountSet": 3}]},
        {"returnStatus": "OPEN", "returns": {"nodes": [{"returnLineItems": {"nodes": [{"quantity": {}}]}}]}},
    ],
)
def test_a_detail_that_cannot_be_read_does_not_cost_the_order(changes: Json) -> None:
    assert mapped(**changes).total == Decimal("50.79")


def test_stock_lies_at_its_locations_and_they_add_up() -> None:
    found = variant(
        samples.level(3, 2, location={"id": "gid://shopify/Location/20", "name": "Graz"}),
        samples.level(4, 1, location={"id": "gid://shopify/Location/3", "name": "Wien"}),
        samples.level(9, 4, location={"id": "gid://shopify/Location/5", "name": "Closed"}, isActive=False),
    )
    assert found.quantity == 7
    assert found.stock_at == (
        StockAt(location_id="3", location_name="Wien", quantity=Decimal(4)),
        StockAt(location_id="20", location_name="Graz", quantity=Decimal(3)),
    )


def test_without_the_name_of_a_location_the_sum_is_known_and_the_places_are_not() -> None:
    found = variant(
        samples.level(3, 2), samples.level(4, 1, location={"id": "gid://shopify/Location/3", "name": "Wien"})
    )
    assert (found.quantity, found.stock_at) == (7, None)


def test_untracked_stock_lies_nowhere() -> None:
    level = samples.level(3, 2, location={"id": "gid://shopify/Location/20", "name": "Graz"})
    assert variant(level, tracked=False).stock_at is None
