from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.details import Payment
from portal.commerce.records import Fulfilment, Order, OrderStatus, Refund
from portal.connectors.answers import Rejected
from portal.connectors.woocommerce import mapping
from tests.connectors.woocommerce.samples import NOW
from tests.connectors.woocommerce.samples import order as sample
from tests.connectors.woocommerce.samples import refund as refund_sample


def mapped(**changes: Any) -> Order:
    found = mapping.order(sample(**changes), NOW)
    assert isinstance(found, Order), found
    return found


def refused(**changes: Any) -> str:
    found = mapping.order(sample(**changes), NOW)
    assert isinstance(found, Rejected), found
    assert found.external_id == "501"
    return found.reason


def test_an_orders_lines_and_tax_add_up_to_its_total() -> None:
    found = mapped()
    assert found.total == Decimal("24.40")
    assert sum(line.total for line in found.lines) + found.total_tax == found.total
    assert (found.fee_total, found.discount_total, found.shipping_total) == (
        Decimal("-1.50"),
        Decimal("2.00"),
        Decimal("4.00"),
    )
    assert [line.kind for line in found.lines] == ["item", "item", "shipping", "fee", "coupon"]


def test_dates_come_from_the_gmt_fields_only() -> None:
    found = mapped(date_created="2031-01-01T00:00:00", date_completed_gmt="2026-03-09T20:00:00Z")
    assert found.created_at == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert found.paid_at == datetime(2026, 3, 9, 8, 5, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
    assert found.completed_at == datetime(2026, 3, 9, 20, tzinfo=UTC)


def test_a_guest_has_no_customer_and_a_deleted_product_no_id() -> None:
    found = mapped(customer_id=0)
    assert found.customer_id is None
    assert (found.lines[1].product_id, found.lines[1].sku) == (None, None)


def test_html_and_emoji_stay_as_they_are() -> None:
    assert mapped().note == "Bitte <b>klingeln</b> 🛎️"
    assert mapped().customer_name == "Ada Lovelace"


def test_what_no_database_takes_is_cleaned_from_texts() -> None:
    found = mapped(customer_note="a\x00b\ud83dc", number="9" * 500)
    assert found.note == "ab\ufffdc"
    assert len(found.number) == 60


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("pending", OrderStatus.PENDING),
        ("on-hold", OrderStatus.ON_HOLD),
        ("wc-completed", OrderStatus.COMPLETED),
        ("refunded", OrderStatus.REFUNDED),
        ("trash", OrderStatus.TRASHED),
        ("awaiting-pickup", OrderStatus.OTHER),
    ],
)
def test_each_status_of_the_store_has_one_of_ours(source: str, status: OrderStatus) -> None:
    found = mapped(status=source)
    assert found.status is status
    assert found.source_status == source.removeprefix("wc-")


def test_a_draft_of_the_checkout_is_no_order() -> None:
    assert mapping.order(sample(status="checkout-draft"), NOW) is None


@pytest.mark.parametrize(
    ("changes", "fulfilment"),
    [
        ({}, Fulfilment.UNFULFILLED),
        ({"status": "on-hold"}, Fulfilment.UNFULFILLED),
        ({"status": "completed"}, Fulfilment.FULFILLED),
        ({"status": "cancelled"}, Fulfilment.NOT_REQUIRED),
        ({"status": "failed"}, Fulfilment.NOT_REQUIRED),
        ({"line_items": []}, Fulfilment.NOT_REQUIRED),
        ({"needs_processing": False, "shipping_lines": []}, Fulfilment.NOT_REQUIRED),
        ({"needs_processing": False}, Fulfilment.UNFULFILLED),
        ({"status": "refunded", "date_completed_gmt": "2026-03-09T20:00:00"}, Fulfilment.FULFILLED),
    ],
)
def test_fulfilment_follows_from_status_and_lines(changes: dict[str, Any], fulfilment: Fulfilment) -> None:
    assert mapped(**changes).fulfilment is fulfilment


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date_created_gmt": None}, "date_created_gmt is missing"),
        ({"date_created_gmt": "yesterday"}, "not a date"),
        ({"date_created_gmt": "1970-01-01T00:00:00"}, "1970-01-01"),
        ({"date_created_gmt": "2100-01-01T00:00:00"}, "2100-01-01"),
        ({"date_paid_gmt": "1970-01-01T00:00:00"}, "date_paid_gmt"),
        ({"currency": "BTC"}, "'BTC' is not an ISO 4217 code"),
        ({"currency": ""}, "currency is missing"),
        ({"total": "NaN"}, "total is not a number"),
        ({"total": "Infinity"}, "total is not a number"),
        ({"total": "12,50"}, "total is not a number"),
        ({"total": "9" * 41}, "too many digits"),
        ({"total": "9" * 30}, "out of range"),
        ({"total": None}, "total is missing"),
        ({"total": ["1"]}, "total is not a number"),
        ({"customer_id": "abc"}, "customer_id is not a number"),
    ],
)
def test_an_order_that_cannot_be_trusted_is_rejected_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in refused(**changes)


def test_loose_types_of_plug_ins_are_understood() -> None:
    lines = {"5": sample()["line_items"][0] | {"id": "9", "quantity": "2", "price": "6.005", "product_id": ""}}
    found = mapped(
        id="501", total=24.4, billing=[], shipping="", line_items=lines, fee_lines="", coupon_lines=None, meta_data=None,
        customer_id="7", discount_total="", date_paid_gmt="", refunds={},
    )  # fmt: skip
    assert (found.external_id, found.customer_id, found.total, found.discount_total) == ("501", "7", Decimal("24.4"), 0)
    assert found.lines[0].unit_price == Decimal("6.005")
    assert (found.paid_at, found.refund_ids, found.customer_name, found.country) == (None, (), "", "")


def test_an_order_paid_in_a_plug_ins_test_mode_is_a_test() -> None:
    assert mapped(meta_data=[{"key": "_wcpay_mode", "value": "test"}]).is_test
    assert not mapped(meta_data=[{"key": "_wcpay_mode", "value": "prod"}, {"key": "x", "value": {"a": 1}}]).is_test


def test_an_order_without_refunds_differs_from_one_that_does_not_say() -> None:
    assert mapped(refunds=[]).refund_ids == ()
    assert mapped(refunds=[{"id": 601}, {"id": "602"}]).refund_ids == ("601", "602")
    assert mapped(refunds=None).refund_ids is None


def test_odd_orders_are_normal() -> None:
    assert mapped(total="-12.00").total == Decimal("-12.00")
    assert mapped(total="0.00").total == 0
    assert mapped(currency="jpy", total="421.67").currency == "JPY"


def test_a_refund_is_positive_with_its_lines() -> None:
    found = mapping.refund(refund_sample(), NOW)
    assert isinstance(found, Refund)
    assert (found.order_id, found.amount, found.currency) == ("501", Decimal("5.00"), None)
    line = found.lines[0]
    assert (line.order_line_id, line.quantity, line.total, line.total_tax) == ("1", 1, Decimal("4.20"), Decimal("0.80"))
    assert found.refunded_at == found.modified_at == datetime(2026, 3, 9, 10, tzinfo=UTC)


def test_a_refund_listed_under_its_order_takes_the_order_from_the_address() -> None:
    row = refund_sample(amount="-5.00")
    del row["parent_id"]
    found = mapping.refund(row, NOW, "777")
    assert isinstance(found, Refund)
    assert (found.order_id, found.amount) == ("777", Decimal("5.00"))
    assert isinstance(mapping.refund(row, NOW), Rejected)


def test_a_paid_order_says_when_by_what_and_under_which_number_not_how_much() -> None:
    found = mapped(payment_method_title="Card (Stripe)", transaction_id="pi_3")
    assert found.payments == (
        Payment(
            kind="sale",
            status="success",
            gateway="Card (Stripe)",
            reference="pi_3",
            processed_at=datetime(2026, 3, 9, 8, 5, tzinfo=UTC),
        ),
    )
    assert (found.shipments, found.returns) == (None, None), "WooCommerce has neither of its own"


@pytest.mark.parametrize(
    ("status", "told"), [("pending", ()), ("on-hold", ()), ("failed", ()), ("completed", None), ("processing", None)]
)
def test_an_unpaid_order_has_no_payment_and_one_that_counts_as_paid_without_a_date_does_not_say(
    status: str, told: tuple[()] | None
) -> None:
    assert mapped(status=status, date_paid_gmt=None).payments == told
