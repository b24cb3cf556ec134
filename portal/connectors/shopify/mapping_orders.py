"""Orders. Raises `BadValue` for what cannot be trusted; `mapping` turns that into a `Rejected`.

Every amount is shop money: an order's sums are only right in one currency, and the shop's is the one that its own reports are
in. What the buyer paid in is kept beside it, as text.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from portal.commerce.records import Fulfilment, Order, OrderStatus
from portal.connectors.answers import Listed
from portal.connectors.shopify import mapping_details, values
from portal.connectors.shopify import mapping_lines as lines
from portal.connectors.shopify.values import Row, inside

_PAID = {"PAID", "PARTIALLY_REFUNDED"}
_STATUS = {
    "PENDING": OrderStatus.PENDING,
    "AUTHORIZED": OrderStatus.ON_HOLD,  # sold and reserved at the bank, not captured yet: counts by its creation
    "PARTIALLY_PAID": OrderStatus.ON_HOLD,
    "REFUNDED": OrderStatus.REFUNDED,
    "VOIDED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.FAILED,
}
_FULFILMENT = {
    "FULFILLED": Fulfilment.FULFILLED,
    "PARTIALLY_FULFILLED": Fulfilment.PARTIAL,
    "FULFILLMENT_NOT_REQUIRED": Fulfilment.NOT_REQUIRED,
    "RESTOCKED": Fulfilment.NOT_REQUIRED,
}
_NOTHING_TO_SHIP = {OrderStatus.CANCELLED, OrderStatus.FAILED, OrderStatus.REFUNDED}
_MONEY_IN = {"SALE", "CAPTURE"}


def order(row: object, seen_at: datetime) -> Order:
    """An order with its lines. `total` is gross, before refunds; those are records of their own."""
    source = values.row_of(row, "the order")
    external_id = values.required_id(source.get("id"))
    word = values.text(source.get("displayFinancialStatus"), 40).upper()
    cancelled = source.get("cancelledAt") is not None
    fulfilment = _FULFILMENT.get(
        values.text(source.get("displayFulfillmentStatus"), 40).upper(), Fulfilment.UNFULFILLED
    )
    total, created_at = _total(source), values.instant(source.get("createdAt"), "createdAt", seen_at)
    # Orders brought in from elsewhere are created today and were processed when they were sold.
    processed_at = values.instant_or_none(source.get("processedAt"), "processedAt", seen_at) or created_at
    found = lines.order_lines(source)
    status = _status(word, fulfilment, cancelled=cancelled)
    if status in _NOTHING_TO_SHIP and fulfilment is not Fulfilment.FULFILLED:
        fulfilment = Fulfilment.NOT_REQUIRED
    return Order(
        external_id=external_id,
        modified_at=values.instant(source.get("updatedAt"), "updatedAt", seen_at),
        number=values.text(source.get("name"), 60) or external_id,
        status=status,
        source_status=_source_status(source),
        fulfilment=fulfilment if any(line.kind == "item" for line in found) else Fulfilment.NOT_REQUIRED,
        currency=values.currency(inside(source, "totalPriceSet", "shopMoney", "currencyCode")),
        total=total,
        total_tax=values.shop_money_or_zero(source.get("totalTaxSet"), "totalTaxSet"),
        discount_total=values.shop_money_or_zero(source.get("totalDiscountsSet"), "totalDiscountsSet"),
        shipping_total=lines.total_of(found, "shipping"),
        fee_total=lines.total_of(found, "fee"),
        prices_include_tax=source.get("taxesIncluded") is True,
        created_at=processed_at,
        paid_at=_paid_at(source, word, processed_at, seen_at),
        completed_at=_completed_at(source, fulfilment, seen_at),
        is_test=source.get("test") is True,
        customer_id=values.number_of(inside(source, "customer", "id")),
        customer_name=_name(source),
        customer_email=values.text(source.get("email"), 320),
        country=_country(source),
        payment_method=_first(source.get("paymentGatewayNames")),
        note=values.text(source.get("note"), 5000),
        lines=found,
        refund_ids=_refund_ids(source),
        meta=_facts(source),
        payments=mapping_details.payments(source, seen_at),
        shipments=mapping_details.shipments(source, seen_at),
        returns=mapping_details.returns(source, seen_at),
    )


def proven(row: object, seen_at: datetime) -> Listed:
    """What a list says of an order, in the words and by the rules of `order`. The day of payment is not among it."""
    source = values.row_of(row, "the order")
    created_at = values.instant(source.get("createdAt"), "createdAt", seen_at)
    return Listed(
        modified_at=values.instant(source.get("updatedAt"), "updatedAt", seen_at),
        status=_source_status(source),
        currency=values.currency(inside(source, "totalPriceSet", "shopMoney", "currencyCode")),
        total=_total(source),
        refunded=values.shop_money_or_zero(source.get("totalRefundedSet"), "totalRefundedSet"),
        business_at=values.instant_or_none(source.get("processedAt"), "processedAt", seen_at) or created_at,
        dated=False,
    )


def _source_status(source: Row) -> str:
    word = values.text(source.get("displayFinancialStatus"), 40)
    return "cancelled" if source.get("cancelledAt") is not None else word.lower()


def _total(source: Row) -> Decimal:
    """The price of the order before returns, with tax and shipping, after discounts.

    Taking a line off before it was paid (an order edit) leaves `totalPriceSet` as it was and makes a refund without money.
    What is left plus what was paid back is then what was sold.
    """
    total = values.shop_money(source.get("totalPriceSet"), "totalPriceSet")
    if source.get("edited") is not True or source.get("currentTotalPriceSet") is None:
        return total
    left = values.shop_money(source.get("currentTotalPriceSet"), "currentTotalPriceSet")
    return min(total, left + values.shop_money_or_zero(source.get("totalRefundedSet"), "totalRefundedSet"))


def _status(word: str, fulfilment: Fulfilment, *, cancelled: bool) -> OrderStatus:
    if cancelled:
        return OrderStatus.CANCELLED
    if word in _PAID:
        done = fulfilment in {Fulfilment.FULFILLED, Fulfilment.NOT_REQUIRED}
        return OrderStatus.COMPLETED if done else OrderStatus.PROCESSING
    return _STATUS.get(word, OrderStatus.OTHER)


def _paid_at(source: Row, word: str, processed_at: datetime, seen_at: datetime) -> datetime | None:
    """The first successful sale or capture; for an order that cost nothing, when it was processed."""
    moments = [
        values.instant(each.get("processedAt"), "transaction processedAt", seen_at)
        for each in values.rows(source.get("transactions"))
        if each.get("status") == "SUCCESS"
        and values.text(each.get("kind"), 40) in _MONEY_IN
        and each.get("processedAt") is not None
    ]
    if moments:
        return min(moments)
    return processed_at if word in _PAID or word == "REFUNDED" else None


def _completed_at(source: Row, fulfilment: Fulfilment, seen_at: datetime) -> datetime | None:
    if fulfilment is not Fulfilment.FULFILLED:
        return None
    moments = [
        values.instant(each.get("createdAt"), "fulfillment createdAt", seen_at)
        for each in values.rows(source.get("fulfillments"))
        if each.get("status") == "SUCCESS"
    ]
    return max(moments, default=None)


def _refund_ids(source: Row) -> tuple[str, ...] | None:
    """The refunds that the order names; None when it does not say, which is not the same as none."""
    if not isinstance(source.get("refunds"), list):
        return None
    found = (values.number_of(each.get("id")) for each in values.rows(source.get("refunds")))
    return tuple(known for known in found if known)


def _name(source: Row) -> str:
    candidates = (
        inside(source, "customer", "displayName"),
        inside(source, "billingAddress", "name"),
        inside(source, "shippingAddress", "name"),
    )
    return next((found for each in candidates if (found := values.text(each, 240))), "")


def _country(source: Row) -> str:
    billing = values.text(inside(source, "billingAddress", "countryCodeV2"), 2)
    return (billing or values.text(inside(source, "shippingAddress", "countryCodeV2"), 2)).upper()


def _first(names: object) -> str:
    return values.text(names[0], 100) if isinstance(names, list) and names else ""


def _facts(source: Row) -> dict[str, str]:
    """What is worth keeping beside the columns: where it came from, and what the buyer paid in, when in another currency."""
    paid = inside(source, "totalPriceSet", "presentmentMoney")
    currency = values.text(inside(paid, "currencyCode"), 3)
    foreign = currency and currency != inside(source, "totalPriceSet", "shopMoney", "currencyCode")
    returned = values.text(source.get("returnStatus"), 40)
    facts = {
        "source_name": values.text(source.get("sourceName"), 60),
        "presentment_currency": currency if foreign else "",
        "presentment_total": values.text(inside(paid, "amount"), 40) if foreign else "",
        "return_status": "" if returned == "NO_RETURN" else returned.lower(),
    }
    return {name: value for name, value in facts.items() if value}
