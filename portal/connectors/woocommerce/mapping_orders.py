"""Orders and refunds. Raises `BadValue` for what cannot be trusted; `mapping` turns that into a `Rejected`."""

from __future__ import annotations

from datetime import datetime

from portal.commerce.details import Payment
from portal.commerce.records import Fulfilment, Order, OrderLine, OrderStatus, Refund
from portal.connectors import values
from portal.connectors.woocommerce import mapping_lines as lines
from portal.connectors.woocommerce.payloads import (
    Address,
    Meta,
    OrderPayload,
    RefundNote,
    RefundPayload,
    child,
    children,
    read,
)

_STATUS = {
    "pending": OrderStatus.PENDING,
    "on-hold": OrderStatus.ON_HOLD,
    "processing": OrderStatus.PROCESSING,
    "completed": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
    "failed": OrderStatus.FAILED,
    "refunded": OrderStatus.REFUNDED,
    "trash": OrderStatus.TRASHED,
}
_PAID = {OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.REFUNDED, OrderStatus.OTHER, OrderStatus.TRASHED}
_DRAFTS = {"checkout-draft", "auto-draft", "draft"}
_NOTHING_TO_SHIP = {OrderStatus.CANCELLED, OrderStatus.FAILED, OrderStatus.TRASHED}
# How payment plug-ins mark an order that was paid in their test mode.
_TEST_MODE = {"_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox", "_stripe_mode": "test"}


def order(row: object, seen_at: datetime) -> Order | None:
    """An order with its lines; None for a draft. `total` stays gross after refunds, as the store keeps it."""
    source = read(OrderPayload, row)
    source_status = values.text(source.status, 60).lower().removeprefix("wc-")
    if source_status in _DRAFTS:
        return None
    status = _STATUS.get(source_status, OrderStatus.OTHER)
    external_id = values.required_id(source.id)
    billing, shipping = child(Address, source.billing), child(Address, source.shipping)
    created_at = values.instant(source.date_created_gmt, "date_created_gmt", seen_at)
    paid_at = _when(source.date_paid_gmt, "date_paid_gmt", seen_at)
    completed_at = values.instant_or_none(source.date_completed_gmt, "date_completed_gmt", seen_at)
    found = lines.order_lines(source)
    return Order(
        external_id=external_id,
        modified_at=_when(source.date_modified_gmt, "date_modified_gmt", seen_at) or created_at,
        number=values.text(source.number, 60) or external_id,
        status=status,
        source_status=source_status,
        fulfilment=_fulfilment(status, source, found, completed_at),
        currency=values.currency(source.currency),
        total=values.amount(source.total, "total"),
        total_tax=values.zero_or(source.total_tax, "total_tax"),
        discount_total=values.zero_or(source.discount_total, "discount_total"),
        shipping_total=values.zero_or(source.shipping_total, "shipping_total"),
        fee_total=lines.fee_total(found),
        prices_include_tax=values.flag(source.prices_include_tax),
        created_at=created_at,
        paid_at=paid_at,
        completed_at=completed_at,
        is_test=_is_test(source),
        customer_id=values.identifier(source.customer_id, "customer_id"),
        customer_name=_name(billing) or _name(shipping),
        customer_email=values.text(billing.email, 320),
        country=(values.text(billing.country, 2) or values.text(shipping.country, 2)).upper(),
        payment_method=values.text(source.payment_method, 100),
        note=values.text(source.customer_note, 5000),
        lines=found,
        refund_ids=_refund_ids(source),
        meta=_facts(source),
        payments=_payments(status, source, paid_at),
    )


def refund(row: object, seen_at: datetime, order_id: str | None = None) -> Refund:
    """A refund with what was given back. Its payload carries no currency: it is the order's."""
    source = read(RefundPayload, row)
    refunded_at = values.instant(source.date_created_gmt, "date_created_gmt", seen_at)
    return Refund(
        external_id=values.required_id(source.id),
        modified_at=refunded_at,  # a refund is never edited, only created or deleted
        order_id=values.identifier(source.parent_id, "parent_id") or values.required_id(order_id, "parent_id"),
        amount=abs(values.amount(source.amount, "amount")),  # positive here, negative where an order mentions it
        refunded_at=refunded_at,
        reason=values.text(source.reason, 2000),
        lines=lines.refund_lines(source),
    )


def _fulfilment(
    status: OrderStatus, source: OrderPayload, found: tuple[OrderLine, ...], completed_at: datetime | None
) -> Fulfilment:
    """WooCommerce has no shipments of its own: completed means shipped, everything before it not yet."""
    items = any(line.kind == "item" for line in found)
    if status in _NOTHING_TO_SHIP or not items:
        return Fulfilment.NOT_REQUIRED
    if status is OrderStatus.COMPLETED or completed_at is not None:
        return Fulfilment.FULFILLED
    if status is OrderStatus.REFUNDED:
        return Fulfilment.NOT_REQUIRED
    # `needs_processing` is false when every product is virtual, but also when all of them were deleted since;
    # a shipping line then still says that there is something to send.
    ships = any(line.kind == "shipping" for line in found)
    virtual = source.needs_processing is not None and not values.flag(source.needs_processing) and not ships
    return Fulfilment.NOT_REQUIRED if virtual else Fulfilment.UNFULFILLED


def _payments(status: OrderStatus, source: OrderPayload, paid_at: datetime | None) -> tuple[Payment, ...] | None:
    """WooCommerce keeps that and when an order was paid, by what and under which number, not how much: a deposit looks the same.

    An order that counts as paid without a date (brought in from elsewhere) does not say.
    """
    if paid_at is None:
        return None if status in _PAID else ()
    title = values.text(source.payment_method_title, 100) or values.text(source.payment_method, 100)
    reference = values.text(source.transaction_id, 200)
    return (Payment(kind="sale", status="success", gateway=title, reference=reference, processed_at=paid_at),)


def _when(value: object, what: str, seen_at: datetime) -> datetime | None:
    """A date that may be absent, but not absurd: figures are made of it."""
    return None if value is None or value == "" else values.instant(value, what, seen_at)


def _refund_ids(source: OrderPayload) -> tuple[str, ...] | None:
    """The refunds the order mentions; None when it does not say, which is not the same as none."""
    if not isinstance(source.refunds, list | dict):
        return None
    found = (values.identifier(note.id, "refund id") for note in children(RefundNote, source.refunds))
    return tuple(known for known in found if known)


def _name(address: Address) -> str:
    person = f"{values.text(address.first_name, 120)} {values.text(address.last_name, 120)}".strip()
    return person or values.text(address.company, 240)


def _is_test(source: OrderPayload) -> bool:
    marks = ((values.text(meta.key, 60), values.text(meta.value, 20)) for meta in children(Meta, source.meta_data))
    return any(_TEST_MODE.get(key) == value for key, value in marks if value)


def _facts(source: OrderPayload) -> dict[str, str]:
    facts = {
        "created_via": values.text(source.created_via, 60),
        "payment_method_title": values.text(source.payment_method_title, 200),
        "transaction_id": values.text(source.transaction_id, 200),
    }
    return {name: value for name, value in facts.items() if value}
