from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Fulfilment, Order, OrderStatus, Refund
from portal.connectors.answers import Rejected
from portal.connectors.shopify import mapping
from tests.connectors.shopify import samples
from tests.connectors.shopify.samples import NOW, bag


def mapped(**changes: Any) -> Order:
    found = mapping.order(samples.order(**changes), NOW)[0]
    assert isinstance(found, Order), found
    return found


def refunds(**changes: Any) -> list[Refund]:
    return [each for each in mapping.order(samples.order(**changes), NOW) if isinstance(each, Refund)]


def rejected(**changes: Any) -> str:
    found = mapping.order(samples.order(**changes), NOW)[0]
    assert isinstance(found, Rejected)
    assert found.stream == "orders"
    return found.reason


def test_an_order_has_all_that_the_portal_keeps() -> None:
    order = mapped()
    assert (order.external_id, order.number, order.currency) == ("17", "#1017", "EUR")
    assert order.total == Decimal("50.79")
    assert (order.total_tax, order.discount_total) == (Decimal("7.79"), Decimal("4.0"))
    assert (order.shipping_total, order.fee_total) == (Decimal("5.0"), Decimal("2.0"))
    assert (order.customer_id, order.customer_name, order.customer_email) == ("51", "Ada Lovelace", "ada@example.test")
    assert (order.country, order.payment_method, order.note) == ("DE", "shopify_payments", "please <b>ring</b>")
    assert order.refund_ids == ()
    assert order.meta == {"source_name": "web"}
    assert order.modified_at == datetime(2026, 3, 9, 10, 0, 2, tzinfo=UTC)


def test_lines_and_tax_add_up_to_the_total() -> None:
    order = mapped()
    assert sum((line.total for line in order.lines), order.total_tax) == order.total
    item, shipping, tip, code = order.lines
    assert (item.external_id, item.product_id, item.variation_id, item.sku) == ("71", "31", "41", "TP-B")
    assert (item.quantity, item.unit_price, item.subtotal, item.total) == (2, Decimal(20), Decimal(40), Decimal(36))
    assert [shipping.kind, tip.kind, code.kind] == ["shipping", "fee", "coupon"]
    assert (code.name, code.unit_price, code.total) == ("SPRING", Decimal("4.0"), Decimal(0))


def test_tax_is_taken_out_of_prices_that_include_it() -> None:
    line = samples.line(originalTotalSet=bag("47.6"), discountAllocations=[], taxLines=[{"priceSet": bag("7.6")}])
    shipping = {"title": "Parcel", "discountedPriceSet": bag("5.95"), "taxLines": [{"priceSet": bag("0.95")}]}
    order = mapped(
        taxesIncluded=True,
        totalPriceSet=bag("55.55"),
        totalTaxSet=bag("8.55"),
        shippingLine=shipping,
        lineItems={"nodes": [line]},
        discountCodes=[],
    )
    assert order.prices_include_tax
    assert order.lines[0].total == Decimal("40.0")
    assert sum((line.total for line in order.lines), order.total_tax) == order.total


def test_sums_are_shop_money_and_what_the_buyer_paid_is_kept_as_text() -> None:
    order = mapped(totalPriceSet=bag("50.79", "EUR", "8290", "JPY"))
    assert (order.total, order.currency) == (Decimal("50.79"), "EUR")
    assert order.meta["presentment_currency"] == "JPY"
    assert order.meta["presentment_total"] == "8290"


@pytest.mark.parametrize(
    ("word", "fulfilment", "status"),
    [
        ("PAID", "UNFULFILLED", OrderStatus.PROCESSING),
        ("PAID", "PARTIALLY_FULFILLED", OrderStatus.PROCESSING),
        ("PAID", "FULFILLED", OrderStatus.COMPLETED),
        ("PAID", "FULFILLMENT_NOT_REQUIRED", OrderStatus.COMPLETED),
        ("PARTIALLY_REFUNDED", "UNFULFILLED", OrderStatus.PROCESSING),
        ("PARTIALLY_REFUNDED", "FULFILLED", OrderStatus.COMPLETED),
        ("REFUNDED", "FULFILLED", OrderStatus.REFUNDED),
        ("PENDING", "UNFULFILLED", OrderStatus.PENDING),
        ("AUTHORIZED", "UNFULFILLED", OrderStatus.ON_HOLD),
        ("PARTIALLY_PAID", "UNFULFILLED", OrderStatus.ON_HOLD),
        ("VOIDED", "UNFULFILLED", OrderStatus.CANCELLED),
        ("EXPIRED", "UNFULFILLED", OrderStatus.FAILED),
        ("SOMETHING_NEW", "UNFULFILLED", OrderStatus.OTHER),
        (None, "UNFULFILLED", OrderStatus.OTHER),
    ],
)
def test_states_of_payment_and_shipping_make_the_status(word: Any, fulfilment: str, status: OrderStatus) -> None:
    order = mapped(displayFinancialStatus=word, displayFulfillmentStatus=fulfilment)
    assert order.status is status
    assert order.source_status == (word or "").lower()


def test_a_cancelled_order_is_cancelled_whatever_was_paid() -> None:
    order = mapped(cancelledAt="2026-03-09T00:00:00Z", displayFinancialStatus="REFUNDED")
    assert order.status is OrderStatus.CANCELLED
    assert order.source_status == "cancelled"
    assert order.fulfilment is Fulfilment.NOT_REQUIRED


def test_paid_is_the_first_successful_sale_or_capture() -> None:
    assert mapped().paid_at == datetime(2026, 3, 8, 9, 5, tzinfo=UTC)
    authorized = [{"kind": "AUTHORIZATION", "status": "SUCCESS", "processedAt": "2026-03-08T09:00:00Z"}]
    assert mapped(displayFinancialStatus="AUTHORIZED", transactions=authorized).paid_at is None
    captured = [*authorized, {"kind": "CAPTURE", "status": "SUCCESS", "processedAt": "2026-03-09T09:00:00Z"}]
    assert mapped(transactions=captured).paid_at == datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def test_an_order_that_cost_nothing_was_paid_when_it_was_processed() -> None:
    order = mapped(transactions=[], totalPriceSet=bag("0.0"))
    assert order.paid_at == datetime(2026, 3, 8, 9, 0, tzinfo=UTC)


def test_an_imported_order_is_dated_by_when_it_was_sold() -> None:
    order = mapped(createdAt="2026-03-10T00:00:00Z", processedAt="2024-05-01T00:00:00Z", transactions=[])
    assert order.created_at == datetime(2024, 5, 1, tzinfo=UTC)


def test_a_test_order_is_flagged() -> None:
    assert mapped(test=True).is_test
    assert not mapped().is_test


def test_a_guest_has_no_customer() -> None:
    order = mapped(customer=None, email=None)
    assert order.customer_id is None
    assert order.customer_name == "Ada Lovelace"


def test_a_line_taken_off_before_it_was_paid_was_never_sold() -> None:
    edited = {"edited": True, "totalPriceSet": bag("100.0"), "currentTotalPriceSet": bag("80.0")}
    assert mapped(**edited).total == Decimal("80.0")
    paid_back = {**edited, "totalRefundedSet": bag("20.0")}
    assert mapped(**paid_back).total == Decimal("100.0")


def test_shipment_completes_an_order() -> None:
    sent = [{"createdAt": "2026-03-09T08:00:00Z", "status": "SUCCESS"}]
    order = mapped(displayFulfillmentStatus="FULFILLED", fulfillments=sent)
    assert order.fulfilment is Fulfilment.FULFILLED
    assert order.completed_at == datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def test_a_custom_line_and_one_of_a_deleted_product_have_neither_product_nor_variant() -> None:
    order = mapped(lineItems={"nodes": [samples.line(product=None, variant=None, sku=None)]})
    assert (order.lines[0].product_id, order.lines[0].variation_id, order.lines[0].sku) == (None, None, None)


def test_a_refund_is_a_record_of_its_own_with_positive_amounts() -> None:
    (refund,) = refunds(refunds=[samples.refund()])
    assert (refund.external_id, refund.order_id, refund.amount, refund.currency) == (
        "91",
        "17",
        Decimal("21.42"),
        "EUR",
    )
    assert refund.refunded_at == datetime(2026, 3, 9, 10, 0, 1, tzinfo=UTC)
    (line,) = refund.lines
    assert (line.order_line_id, line.sku, line.quantity) == ("71", "TP-B", 1)
    assert (line.total, line.total_tax) == (Decimal("18.0"), Decimal("3.42"))
    assert mapped(refunds=[samples.refund()]).refund_ids == ("91",)


def test_a_bad_refund_does_not_cost_its_order() -> None:
    found = mapping.order(samples.order(refunds=[samples.refund(totalRefundedSet=None)]), NOW)
    assert isinstance(found[0], Order)
    assert isinstance(found[1], Rejected)
    assert (found[1].stream, found[1].external_id) == ("refunds", "91")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"totalPriceSet": bag("1.0", "QQQ")}, "QQQ"),
        ({"totalPriceSet": None}, "totalPriceSet"),
        ({"totalPriceSet": bag("NaN")}, "not a number"),
        ({"updatedAt": "1970-01-01T00:00:00Z"}, "1970"),
        ({"createdAt": "2100-01-01T00:00:00Z"}, "2100"),
        ({"id": 17}, "id"),
        ({"lineItems": {"nodes": [samples.line(quantity="many")]}}, "quantity"),
    ],
)
def test_what_cannot_be_trusted_is_rejected_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in rejected(**changes)
