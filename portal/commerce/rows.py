"""Records as rows: plain tuples in the order of `tables`, and digests that tell whether anything changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec

from portal.commerce.records import Order, Record, Refund
from portal.commerce.tables import BY_STREAM

_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = 4  # the columns every row begins with are not attributes: id, modified, digest, deletion


def digest(value: Any) -> bytes:
    """Twelve bytes that differ when the value does."""
    return blake2b(_pack(value), digest_size=12).digest()


def content(record: Record) -> bytes:
    """The digest of a record without the time of its change."""
    return digest(msgspec.structs.replace(record, modified_at=_NO_TIME))


def order_content(order: Order) -> tuple[bytes, bytes]:
    """The digests of an order and of its lines alone."""
    lines = digest(order.lines)
    return digest((msgspec.structs.replace(order, modified_at=_NO_TIME, lines=()), lines)), lines


def array(values: Sequence[str] | None) -> str | None:
    """PostgreSQL's literal of a text[]: unnest takes no arrays of arrays."""
    if values is None:
        return None
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def json(values: Sequence[msgspec.Struct] | None) -> str | None:
    """Structs as the text of a jsonb. None stays NULL: the platform does not say, which is not the same as none."""
    if values is None:
        return None
    return _text(values) if values else "[]"


def customer_key(order: Order) -> str | None:
    """Who bought: the account, else the guest's e-mail address; None when neither is known."""
    return f"#{order.customer_id}" if order.customer_id else order.customer_email.lower() or None


_order = attrgetter(
    "number", "status", "source_status", "fulfilment", "currency", "total", "total_tax", "discount_total",
    "shipping_total", "fee_total", "prices_include_tax", "created_at", "paid_at", "completed_at", "is_test",
    "customer_id", "customer_name", "customer_email", "country", "payment_method", "note",
)  # fmt: skip


def order_row(order: Order, head: bytes, lines: bytes, deleted_at: datetime | None) -> tuple[Any, ...]:
    """A row of `tables.ORDERS`; `head` and `lines` are the digests."""
    units = sum((line.quantity for line in order.lines if line.kind == "item"), Decimal(0))
    meta = _text(order.meta) if order.meta else "{}"
    return (
        order.external_id, order.modified_at, head, deleted_at, lines, customer_key(order), units,
        *_order(order), array(order.refund_ids), meta,
        json(order.payments), json(order.shipments), json(order.returns),
    )  # fmt: skip


_line = attrgetter(
    "external_id", "kind", "product_id", "variation_id", "sku", "name", "quantity", "unit_price", "subtotal", "total",
    "total_tax",
)  # fmt: skip


def order_line_rows(orders: Sequence[Order]) -> list[tuple[Any, ...]]:
    """Rows of `tables.ORDER_LINES`."""
    return [(order.external_id, place, *_line(line)) for order in orders for place, line in enumerate(order.lines)]


_refund_line = attrgetter("external_id", "order_line_id", "sku", "quantity", "total", "total_tax")


def refund_row(refund: Refund, head: bytes, deleted_at: datetime | None) -> tuple[Any, ...]:
    """A row of `tables.REFUNDS`."""
    return (
        refund.external_id, refund.modified_at, head, deleted_at, refund.order_id, refund.amount, refund.currency,
        refund.refunded_at, refund.reason,
    )  # fmt: skip


def refund_line_rows(refunds: Sequence[Refund]) -> list[tuple[Any, ...]]:
    """Rows of `tables.REFUND_LINES`."""
    return [
        (refund.external_id, place, *_refund_line(line))
        for refund in refunds
        for place, line in enumerate(refund.lines)
    ]


_STREAMS = ("products", "customers", "coupons", "taxes", "fees")
_NAMES = {stream: tuple(BY_STREAM[stream].columns)[_PLAIN:] for stream in _STREAMS}
_GETTERS = {stream: attrgetter(*names) for stream, names in _NAMES.items()}
_SHAPED: dict[str, Callable[[Any], str | None]] = {"text[]": array, "jsonb": json}
_SHAPES = {
    stream: tuple(
        (place, _SHAPED[kind])
        for place, kind in enumerate(tuple(BY_STREAM[stream].columns.values())[_PLAIN:])
        if kind in _SHAPED
    )
    for stream in _STREAMS
}
"""Which values do not travel as they are: the place among the attributes, and what makes text of them."""


def plain_row(record: Record, head: bytes, deleted_at: datetime | None) -> tuple[Any, ...]:
    """A row of a product, customer, coupon, tax rate or fee: the attributes have the columns' names."""
    values = list(_GETTERS[record.stream](record))
    for place, shaped in _SHAPES[record.stream]:
        values[place] = shaped(values[place])
    return (record.external_id, record.modified_at, head, deleted_at, *values)
