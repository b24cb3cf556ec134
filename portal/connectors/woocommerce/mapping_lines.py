"""The lines of orders and refunds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from portal.commerce.records import OrderLine, RefundLine
from portal.connectors import values
from portal.connectors.values import BadValue
from portal.connectors.woocommerce.payloads import Line, Meta, OrderPayload, RefundPayload, ReturnedLine, children

_MOST_LINES = 5000


def order_lines(source: OrderPayload) -> tuple[OrderLine, ...]:
    """Items, shipping, fees and coupons, in the store's order.

    The totals of items, shipping and fees plus the order's `total_tax` add up to the order's `total`. A coupon line's total
    is zero, because its discount is already in the items' totals; what it took off stands in `unit_price`.
    """
    found = (
        *(_item(line) for line in children(Line, source.line_items)),
        *(_charge(line, "shipping", line.method_title) for line in children(Line, source.shipping_lines)),
        *(_charge(line, "fee", line.name) for line in children(Line, source.fee_lines)),
        *(_coupon(line) for line in children(Line, source.coupon_lines)),
    )
    if len(found) > _MOST_LINES:
        raise BadValue(f"the order has {len(found)} lines, more than {_MOST_LINES}")
    return found


def fee_total(lines: tuple[OrderLine, ...]) -> Decimal:
    """The sum of the fee lines without tax; negative fees (discounts given by hand) included."""
    return sum((line.total for line in lines if line.kind == "fee"), Decimal(0))


def refund_lines(source: RefundPayload) -> tuple[RefundLine, ...]:
    """Items, shipping and fees given back: the store sends them negative, the portal keeps them positive."""
    return tuple(_returned(line) for line in _refunded(source))


def _refunded(source: RefundPayload) -> Iterator[ReturnedLine]:
    for group in (source.line_items, source.shipping_lines, source.fee_lines):
        yield from children(ReturnedLine, group)


def _item(line: Line) -> OrderLine:
    total = values.zero_or(line.total, "line total")
    return OrderLine(
        external_id=values.required_id(line.id, "line id"),
        product_id=values.identifier(line.product_id, "product_id"),
        variation_id=values.identifier(line.variation_id, "variation_id"),
        sku=values.text(line.sku, 200) or None,
        name=values.text(line.name, 500),
        quantity=values.zero_or(line.quantity, "quantity"),
        unit_price=values.amount_or(line.price, "price"),
        subtotal=values.amount_or(line.subtotal, "subtotal", total) or Decimal(0),
        total=total,
        total_tax=values.zero_or(line.total_tax, "line total_tax"),
    )


def _charge(line: Line, kind: str, name: object) -> OrderLine:
    total = values.zero_or(line.total, f"{kind} total")
    return OrderLine(
        external_id=values.required_id(line.id, f"{kind} line id"),
        kind=kind,
        name=values.text(name, 500),
        subtotal=total,
        total=total,
        total_tax=values.zero_or(line.total_tax, f"{kind} total_tax"),
    )


def _coupon(line: Line) -> OrderLine:
    return OrderLine(
        external_id=values.required_id(line.id, "coupon line id"),
        kind="coupon",
        name=values.text(line.code, 500),
        unit_price=values.zero_or(line.discount, "discount"),
    )


def _returned(line: ReturnedLine) -> RefundLine:
    marks = (meta.value for meta in children(Meta, line.meta_data) if meta.key == "_refunded_item_id")
    return RefundLine(
        external_id=values.required_id(line.id, "refund line id"),
        order_line_id=values.identifier(next(marks, None), "_refunded_item_id"),
        sku=values.text(line.sku, 200) or None,
        quantity=_positive(values.zero_or(line.quantity, "quantity")),
        total=_positive(values.zero_or(line.total, "refund line total")),
        total_tax=_positive(values.zero_or(line.total_tax, "refund line total_tax")),
    )


def _positive(value: Decimal) -> Decimal:
    return -value if value else Decimal(0)  # the refund of a negative fee stays negative, and zero loses its sign
