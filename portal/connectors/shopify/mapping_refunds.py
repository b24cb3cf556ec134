"""Refunds: money given back, with what was returned for it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from portal.commerce.records import Order, Refund, RefundLine
from portal.connectors.shopify import values
from portal.connectors.shopify.values import Row, inside


def refund(row: object, of: Order, seen_at: datetime) -> Refund:
    """A refund of the order `of`. One without money (restocked, or a line taken off unpaid) has an amount of zero."""
    source = values.row_of(row, "the refund")
    created_at = values.instant_or_none(source.get("createdAt"), "refund createdAt", seen_at)
    refunded_at = values.instant_or_none(source.get("processedAt"), "refund processedAt", seen_at) or created_at
    modified_at = values.instant_or_none(source.get("updatedAt"), "refund updatedAt", seen_at) or refunded_at
    if refunded_at is None or modified_at is None:
        raise values.BadValue("the refund has no date")
    money = source.get("totalRefundedSet")
    return Refund(
        external_id=values.required_id(source.get("id"), "refund id"),
        modified_at=modified_at,
        order_id=of.external_id,
        amount=values.shop_money(money, "totalRefundedSet"),
        currency=values.currency(inside(money, "shopMoney", "currencyCode")),
        refunded_at=refunded_at,
        reason=values.text(source.get("note"), 2000),
        lines=tuple(
            _line(each, place, gross=of.prices_include_tax)
            for place, each in enumerate(values.rows(source.get("refundLineItems")))
        ),
    )


def _line(row: Row, place: int, *, gross: bool) -> RefundLine:
    tax = values.shop_money_or_zero(row.get("totalTaxSet"), "refund line tax")
    subtotal = values.shop_money(row.get("subtotalSet"), "refund line subtotal")
    return RefundLine(
        external_id=values.number_of(row.get("id")) or str(place),
        order_line_id=values.number_of(inside(row, "lineItem", "id")),
        sku=values.text(inside(row, "lineItem", "sku"), 200) or None,
        quantity=values.amount(row.get("quantity"), "refund quantity"),
        total=subtotal - (tax if gross else Decimal(0)),
        total_tax=tax,
    )
