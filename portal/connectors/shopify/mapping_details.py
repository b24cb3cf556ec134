"""What an order says beside its money: payments, shipments, returns. Pure, and never a reason to reject the order.

A part that is not there is None (the app may not read it), an empty one (). Parts come in an order of their own, the same from an
export and from a page, or each reading would count as a change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from portal.commerce.details import Payment, Return, ReturnLine, Shipment, Tracking
from portal.connectors.shopify import values
from portal.connectors.shopify.values import BadValue, Row, inside

_T = TypeVar("_T")
_NEVER = datetime.min.replace(tzinfo=UTC)


def payments(source: Row, seen_at: datetime) -> tuple[Payment, ...] | None:
    """Every transaction, failed ones too, oldest first, in shop money."""
    if not isinstance(source.get("transactions"), list):
        return None
    found = [_payment(each, seen_at) for each in values.rows(source["transactions"])]
    return tuple(sorted(found, key=lambda each: (each.processed_at or _NEVER, _place(each.external_id))))


def shipments(source: Row, seen_at: datetime) -> tuple[Shipment, ...] | None:
    """Every fulfilment, oldest first. `displayStatus` is how far it got, where the carrier tells."""
    if not isinstance(source.get("fulfillments"), list):
        return None
    found = [_shipment(each, seen_at) for each in values.rows(source["fulfillments"])]
    return tuple(sorted(found, key=lambda each: (each.shipped_at or _NEVER, _place(each.external_id))))


def returns(source: Row, seen_at: datetime) -> tuple[Return, ...] | None:
    """Every return, oldest first. Of orders without a return status none is asked for, so none is taken from an export either."""
    listed = source.get("returns")
    if not isinstance(listed, dict) or not isinstance(listed.get("nodes"), list):
        return None
    if source.get("returnStatus") == "NO_RETURN":
        return ()
    return tuple(
        sorted((_return(each, seen_at) for each in values.rows(listed)), key=lambda each: _place(each.external_id))
    )


def _payment(row: Row, seen_at: datetime) -> Payment:
    money = inside(row, "amountSet", "shopMoney")
    return Payment(
        external_id=values.number_of(row.get("id")) or "",
        kind=_word(row.get("kind")),
        status=_word(row.get("status")),
        gateway=values.text(row.get("gateway"), 100),
        reference=values.text(row.get("paymentId"), 200),
        amount=_if_readable(lambda: values.amount(inside(money, "amount"), "amount")),
        currency=_if_readable(lambda: values.currency(inside(money, "currencyCode"))),
        processed_at=_moment(row.get("processedAt"), seen_at),
    )


def _shipment(row: Row, seen_at: datetime) -> Shipment:
    return Shipment(
        external_id=values.number_of(row.get("id")) or "",
        status=_word(row.get("displayStatus")) or _word(row.get("status")),
        shipped_at=_moment(row.get("createdAt"), seen_at),
        units=_if_readable(lambda: values.amount(row.get("totalQuantity"), "totalQuantity")),
        tracking=tuple(
            Tracking(
                carrier=values.text(each.get("company"), 100),
                number=values.text(each.get("number"), 100),
                url=values.web_address(each.get("url")),
            )
            for each in values.rows(row.get("trackingInfo"))
        ),
    )


def _return(row: Row, seen_at: datetime) -> Return:
    lines = (_line(each) for each in values.rows(row.get("returnLineItems")))
    return Return(
        external_id=values.number_of(row.get("id")) or "",
        number=values.text(row.get("name"), 60),
        status=_word(row.get("status")),
        requested_at=_moment(row.get("createdAt"), seen_at),
        lines=tuple(sorted(lines, key=lambda each: _place(each.external_id))),
    )


def _line(row: Row) -> ReturnLine:
    """The reason is Shopify's own word for it, with what was written beside it."""
    item = inside(row, "fulfillmentLineItem", "lineItem")
    told = (
        values.text(inside(row, "returnReasonDefinition", "name"), 200),
        values.text(row.get("returnReasonNote"), 300),
    )
    return ReturnLine(
        external_id=values.number_of(row.get("id")) or "",
        order_line_id=values.number_of(inside(item, "id")),
        sku=values.text(inside(item, "sku"), 200) or None,
        name=values.text(inside(item, "name")),
        quantity=_if_readable(lambda: values.amount(row.get("quantity"), "quantity")),
        reason=": ".join(each for each in told if each),
    )


def _word(value: object) -> str:
    return values.text(value, 40).lower()


def _moment(value: object, seen_at: datetime) -> datetime | None:
    return _if_readable(lambda: values.instant_or_none(value, "date", seen_at))


def _if_readable(read: Callable[[], _T]) -> _T | None:
    """Unknown is None: no figure is made of these."""
    try:
        return read()
    except BadValue:
        return None


def _place(external_id: str) -> int:
    return int(external_id or 0)
