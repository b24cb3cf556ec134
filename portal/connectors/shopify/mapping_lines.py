"""The lines of an order: items, shipping, fees (tips, duties) and discount codes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from portal.commerce.records import OrderLine
from portal.connectors.shopify import values
from portal.connectors.shopify.values import BadValue, Row, inside

_MOST_LINES = 5000
_FEES = (
    ("totalTipReceivedSet", "tip", "Tip"),
    ("originalTotalDutiesSet", "duties", "Duties"),
    ("originalTotalAdditionalFeesSet", "fees", "Additional fees"),
)


def order_lines(source: Row) -> tuple[OrderLine, ...]:
    """All lines. The totals of items, shipping and fees plus the order's tax add up to the order's total.

    A coupon line's total is zero, because its discount is already in the items' totals; what it took off stands in
    `unit_price`. Where prices include tax, the tax is taken out of the lines.
    """
    gross = source.get("taxesIncluded") is True
    items = list(values.rows(source.get("lineItems")))
    found = (
        *(_item(row, gross=gross) for row in items),
        *_shipping(source.get("shippingLine"), gross=gross),
        *_fees(source),
        *_codes(source, items),
    )
    if len(found) > _MOST_LINES:
        raise BadValue(f"the order has {len(found)} lines, more than {_MOST_LINES}")
    return found


def total_of(lines: Iterable[OrderLine], kind: str) -> Decimal:
    """The sum of the lines of a kind, without tax."""
    return sum((line.total for line in lines if line.kind == kind), Decimal(0))


def tax_of(row: Row) -> Decimal:
    """The tax of a line, before returns."""
    return sum(
        (values.shop_money(each.get("priceSet"), "line tax") for each in values.rows(row.get("taxLines"))), Decimal(0)
    )


def _item(row: Row, *, gross: bool) -> OrderLine:
    tax = tax_of(row)
    subtotal = values.shop_money(row.get("originalTotalSet"), "originalTotalSet")
    off = sum((_off(each) for each in values.rows(row.get("discountAllocations"))), Decimal(0))
    included = tax if gross else Decimal(0)
    return OrderLine(
        external_id=values.required_id(row.get("id"), "line id"),
        product_id=values.number_of(inside(row, "product", "id")),
        variation_id=values.number_of(inside(row, "variant", "id")),
        sku=values.text(row.get("sku"), 200) or None,
        name=values.text(row.get("name"), 500),
        quantity=values.amount(row.get("quantity"), "quantity"),
        unit_price=values.shop_money(row.get("originalUnitPriceSet"), "originalUnitPriceSet"),
        subtotal=subtotal - included,
        total=subtotal - off - included,
        total_tax=tax,
    )


def _off(allocation: Row) -> Decimal:
    return values.shop_money(allocation.get("allocatedAmountSet"), "discount")


def _shipping(row: object, *, gross: bool) -> tuple[OrderLine, ...]:
    if not isinstance(row, dict):
        return ()
    tax = tax_of(row)
    total = values.shop_money(row.get("discountedPriceSet"), "shipping price") - (tax if gross else Decimal(0))
    name = values.text(row.get("title"), 500)
    return (OrderLine(external_id="shipping", kind="shipping", name=name, subtotal=total, total=total, total_tax=tax),)


def _fees(source: Row) -> list[OrderLine]:
    found = []
    for field, external_id, name in _FEES:
        amount = values.shop_money_or_zero(source.get(field), field)
        if amount:
            found.append(OrderLine(external_id=external_id, kind="fee", name=name, subtotal=amount, total=amount))
    return found


def _codes(source: Row, items: list[Row]) -> list[OrderLine]:
    """One line per discount code, with what it took off the items."""
    given = source.get("discountCodes")
    off = dict.fromkeys((values.text(code, 500) for code in (given if isinstance(given, list) else [])), Decimal(0))
    for row in items:
        for each in values.rows(row.get("discountAllocations")):
            code = values.text(inside(each, "discountApplication", "code"), 500)
            if code in off:
                off[code] += _off(each)
    return [
        OrderLine(external_id=f"code:{place}", kind="coupon", name=code, unit_price=amount)
        for place, (code, amount) in enumerate(off.items())
        if code
    ]
