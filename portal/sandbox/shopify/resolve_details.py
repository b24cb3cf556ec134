"""What an order has beside its money: payments, shipments with parcels, returns with lines, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from portal.sandbox.rows import Order, Return, ReturnedItem
from portal.sandbox.shopify.graphql.execute import Context, Ref, Resolver, Slice
from portal.sandbox.shopify.listing import sliced
from portal.sandbox.shopify.returns import RETURNS, returns_of, status
from portal.sandbox.shopify.world import Bag, gid, items, stamp

Args = Mapping[str, Any]
_CARRIERS = ("DHL", "Deutsche Post (DE)", "UPS", "GLS")


class Payment(NamedTuple):
    order: Order
    number: int
    kind: str
    status: str
    at: int
    cents: int


class Back(NamedTuple):
    """A return with its order."""

    order: Order
    row: Return


class BackLine(NamedTuple):
    """One line of a return."""

    back: Back
    place: int
    row: ReturnedItem


def _payments(context: Context, order: Order, args: Args) -> list[Payment]:
    """A payment is a failed try first in some orders; authorized money is no payment yet."""
    found = []
    if order.id % 9 == 0:
        found.append(Payment(order, 1, "SALE", "FAILURE", order.created, order.total))
    if order.status == "on-hold" and order.paid is None:
        found.append(Payment(order, 2, "AUTHORIZATION", "SUCCESS", order.created, order.total))
    if order.paid is not None and order.total:
        kind = "CAPTURE" if order.id % 4 == 0 else "SALE"
        found.append(Payment(order, 3, kind, "SUCCESS", order.paid, order.total))
    found += [
        Payment(order, 4 + place, "REFUND", "SUCCESS", each.created, each.amount)
        for place, each in enumerate(order.refunds)
    ]
    return found[: args.get("first") or None]


def _shipments(context: Context, order: Order, args: Args) -> list[Order]:
    return [] if order.completed is None else [order]


def _parcels(context: Context, order: Order, args: Args) -> list[dict[str, str]]:
    """One parcel mostly; two of some orders, and some are sent without a number."""
    carrier = _CARRIERS[order.id % len(_CARRIERS)]
    many = 0 if order.id % 11 == 0 else 2 if order.id % 7 == 0 else 1
    numbers = [f"00340434{order.id:010}{place}" for place in range(many)]
    return [{"company": carrier, "number": each, "url": f"https://tracking.example.test/{each}"} for each in numbers]


def _units(order: Order) -> int:
    return sum(item.line.quantity for item in items(order) if item.line)


def _returns(context: Context, order: Order, args: Args) -> Slice:
    found = [Back(order, each) for each in returns_of(context.world, order)]
    return sliced(found, args, lambda back: (back.row.id, back.row.id))


def _lines(context: Context, back: Back, args: Args) -> Slice:
    found = [BackLine(back, place, row) for place, row in enumerate(back.row.lines)]
    page = sliced(found, args, lambda line: (line.place, line.place))
    return Slice([Ref("ReturnLineItem", each) for each in page.nodes], page.has_next, lambda ref: page.cursor(ref.row))


OF_ORDER: dict[str, Resolver] = {
    "transactions": _payments,
    "fulfillments": _shipments,
    "returns": _returns,
    "returnStatus": lambda c, o, a: status(c.world, o),
}
"""These fields of an order."""

DETAILS: dict[str, dict[str, Resolver]] = {
    "OrderTransaction": {
        "id": lambda c, p, a: gid("OrderTransaction", p.order.id * 100 + p.number),
        "kind": lambda c, p, a: p.kind,
        "status": lambda c, p, a: p.status,
        "processedAt": lambda c, p, a: stamp(c.world, p.at),
        "gateway": lambda c, p, a: p.order.payment[0] or "manual",
        "paymentId": lambda c, p, a: f"pay_{p.order.id}.{p.number}",
        "amountSet": lambda c, p, a: Bag(p.cents, p.order.currency, p.order.presentment or p.order.currency),
    },
    "Fulfillment": {
        "id": lambda c, o, a: gid("Fulfillment", o.id),
        "createdAt": lambda c, o, a: stamp(c.world, o.completed),
        "status": lambda c, o, a: "SUCCESS",
        "displayStatus": lambda c, o, a: "DELIVERED" if o.id % 3 else "IN_TRANSIT",
        "totalQuantity": lambda c, o, a: _units(o),
        "trackingInfo": _parcels,
    },
    "FulfillmentTrackingInfo": {
        "company": lambda c, parcel, a: parcel["company"],
        "number": lambda c, parcel, a: parcel["number"],
        "url": lambda c, parcel, a: parcel["url"],
    },
    "Return": {
        "id": lambda c, back, a: gid("Return", RETURNS + back.row.id),
        "name": lambda c, back, a: f"#{back.order.id}-R{back.row.id % 10}",
        "status": lambda c, back, a: back.row.state.upper(),
        "createdAt": lambda c, back, a: stamp(c.world, back.row.created),
        "returnLineItems": _lines,
    },
    "ReturnLineItem": {
        "id": lambda c, line, a: gid("ReturnLineItem", (RETURNS + line.back.row.id) * 100 + line.place),
        "quantity": lambda c, line, a: line.row.quantity,
        "returnReasonNote": lambda c, line, a: line.row.note,
        "returnReasonDefinition": lambda c, line, a: line.row.reason,
        "fulfillmentLineItem": lambda c, line, a: items(line.back.order)[line.row.position],
    },
    "FulfillmentLineItem": {"lineItem": lambda c, item, a: item},
    "ReturnReasonDefinition": {"name": lambda c, reason, a: reason},
}
