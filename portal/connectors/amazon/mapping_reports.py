"""Orders of the flat-file order reports: one row per item, amounts per row, no total. Raises `BadValue`.

Amounts of a row are for its whole quantity. Discounts are written without a sign by some marketplaces and with one by others.
Where prices are shown without tax (US, Canada) the tax comes on top; elsewhere the price contains it and the tax column only
says how much. The columns about the ship-to address are not read.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from portal.commerce.records import Order, OrderLine
from portal.connectors import values
from portal.connectors.amazon import statuses
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.mapping_orders import charge, facts, required
from portal.connectors.amazon.mapping_stock import product_id
from portal.connectors.amazon.marketplaces import Marketplace, of_channel
from portal.connectors.amazon.rows import Row
from portal.connectors.values import BadValue

_ZERO = Decimal(0)


def tells_all(rows: list[Row]) -> bool:
    """Whether the rows are enough. An order that counts but has an item without a price has to be asked for by its id."""
    if of_channel(rows[0].get("sales-channel", "")) is None or _word(rows) in statuses.UNPRICED:
        return True
    return all(row.get("item-price", "").strip() or _is_cancelled(row) for row in rows)


def order(rows: list[Row], account: Account, seen_at: datetime) -> Order | None:
    """An order from all its rows; None outside the connection's marketplaces."""
    first = rows[0]
    marketplace = of_channel(first.get("sales-channel", ""))
    if marketplace is None or not account.sells_in(marketplace.id):
        return None
    order_id = required(first.get("amazon-order-id"), "amazon-order-id")
    word = _word(rows)
    lines = tuple(
        line for place, row in enumerate(rows, 1) for line in _lines(row, f"{order_id}:{place}", marketplace, word)
    )
    created_at = values.instant(first.get("purchase-date"), "purchase-date", seen_at)
    tax = sum((line.total_tax for line in lines), _ZERO)
    return Order(
        external_id=order_id,
        modified_at=values.instant_or_none(first.get("last-updated-date"), "last-updated-date", seen_at) or created_at,
        number=order_id,
        status=statuses.status(word),
        source_status=word,
        fulfilment=statuses.fulfilment(word),
        currency=_currency(rows, marketplace),
        total=sum((line.total for line in lines), _ZERO) + tax,
        total_tax=tax,
        discount_total=sum((line.subtotal - line.total for line in lines), _ZERO),
        shipping_total=sum((line.total for line in lines if line.kind == "shipping"), _ZERO),
        fee_total=sum((line.total for line in lines if line.kind == "fee"), _ZERO),
        prices_include_tax=not marketplace.tax_on_top,
        created_at=created_at,
        lines=lines,
        meta=facts(marketplace, values.text(first.get("fulfillment-channel"), 20), _own_number(first, order_id)),
    )


def _lines(row: Row, known: str, marketplace: Marketplace, word: str) -> list[OrderLine]:
    """The item, its shipping and its gift wrap, without tax. A cancelled item of an order that goes on costs nothing."""
    sku = values.text(row.get("sku"), 200)
    gone = _is_cancelled(row) and word not in statuses.UNPRICED
    price, off = (_ZERO, _ZERO) if gone else (_amount(row, "item-price"), abs(_amount(row, "item-promotion-discount")))
    tax = _ZERO if gone else _amount(row, "item-tax")
    quantity = _ZERO if gone else _amount(row, "quantity")
    within = _ZERO if marketplace.tax_on_top else tax
    total = price - off - within
    lines = [
        OrderLine(
            external_id=known,
            product_id=product_id(marketplace, sku) if sku else None,
            sku=sku or None,
            name=values.text(row.get("product-name"), 500),
            quantity=quantity,
            unit_price=_each(price, quantity),
            subtotal=price - within,
            total=total,
            total_tax=tax,
        )
    ]
    if gone:
        return lines
    for kind, name, prefix, discount in (
        ("shipping", "Shipping", "shipping", "ship-promotion-discount"),
        ("fee", "Gift wrap and other charges", "gift-wrap", ""),
    ):
        paid = _amount(row, f"{prefix}-price")
        if paid:
            paid_tax = _amount(row, f"{prefix}-tax")
            net = paid if marketplace.tax_on_top else paid - paid_tax
            less = abs(_amount(row, discount)) if discount else _ZERO
            lines.append(charge(f"{known}:{prefix}", kind, name=name, subtotal=net, total=net - less, tax=paid_tax))
    return lines


def _word(rows: list[Row]) -> str:
    return statuses.word(rows[0].get("order-status", ""))


def _is_cancelled(row: Row) -> bool:
    return statuses.word(row.get("item-status", "")) == "CANCELLED"


def _currency(rows: list[Row], marketplace: Marketplace) -> str:
    codes = {row.get("currency", "").strip() for row in rows} - {""}
    if len(codes) > 1:
        raise BadValue("the order's items are in several currencies")
    return values.currency(codes.pop()) if codes else marketplace.currency  # none: not priced yet


def _amount(row: Row, column: str) -> Decimal:
    return values.zero_or(row.get(column, "").strip(), column)


def _each(price: Decimal, quantity: Decimal) -> Decimal | None:
    return round(price / quantity, 6) if quantity > 0 else None


def _own_number(row: Row, order_id: str) -> str:
    number = values.text(row.get("merchant-order-id"), 100)
    return "" if number == order_id else number
