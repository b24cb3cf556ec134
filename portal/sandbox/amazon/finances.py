"""Finances API 2024-06-19: the transactions behind shipments and refunds, with Amazon's fees in a tree of breakdowns."""

from __future__ import annotations

from collections.abc import Iterator

from portal.sandbox.amazon import states
from portal.sandbox.amazon.call import Call, Json, iso, sealed
from portal.sandbox.amazon.errors import bad_input
from portal.sandbox.amazon.lwa import keys
from portal.sandbox.money import share
from portal.sandbox.rows import Order, Refund
from portal.sandbox.store import Store

_SIZE = 100
_LONGEST = 180 * 86_400


def transactions(store: Store, call: Call) -> Json:
    """Transactions posted in a range of at most 180 days (a longer one is empty). The first page of a reading is empty, and
    what was posted in the last 48 hours is not shown yet."""
    token = call.token("nextToken")
    since, until = call.moment("postedAfter"), call.moment("postedBefore") or call.now - 120
    if since is None:
        raise bad_input("postedAfter must be given.")
    if until - since > _LONGEST:
        return {"payload": {"transactions": []}}
    shown = call.now - int(store.spec.amazon.hidden_hours * 3_600)
    rows = sorted((posted, key) for posted, key in _posted(store) if since <= posted < until and posted <= shown)
    start = int(str(token["at"])) if token else -1
    if start < 0:
        if not rows:
            return {"payload": {"transactions": []}}
        return {"payload": {"transactions": [], "nextToken": sealed({"at": 0})}}
    payload: Json = {"transactions": [_json(store, key) for _, key in rows[start : start + _SIZE]]}
    if start + _SIZE < len(rows):
        payload["nextToken"] = sealed({"at": start + _SIZE})
    return {"payload": payload}


Key = tuple[str, int]


def is_deferred(refund: Refund) -> bool:
    """Whether the money was first held back: then it is posted twice, a week apart."""
    return refund.id % 7 == 3


def fees_of(order: Order) -> dict[str, int]:
    """What Amazon takes for a shipped order, in cents: a commission, and for what it ships itself a fee per unit."""
    fees = {"Commission": share(order.total, 1_500)}
    if states.by_amazon(order):
        fees["FBAPerUnitFulfillmentFee"] = 300 * sum(line.quantity for line in order.lines)
    return {kind: amount for kind, amount in fees.items() if amount}


def _posted(store: Store) -> Iterator[tuple[int, Key]]:
    for order in store.orders.values():
        if states.word(order) == "SHIPPED" and order.note != states.REPLACEMENT:
            yield order.completed or order.created, ("shipment", order.id)
    for refund in store.refunds.values():
        yield refund.created, ("refund", refund.id)
        if is_deferred(refund):
            yield refund.created + 7 * 86_400, ("release", refund.id)


def _json(store: Store, key: Key) -> Json:
    what, number = key
    if what == "shipment":
        order = store.orders[number]
        tree = _shipment_tree(order)
        row = _frame(store, order, f"S{number}", order.completed or order.created, ("Shipment", "Order Payment"))
    else:
        refund = store.refunds[number]
        order = store.orders[refund.order_id]
        tree = _refund_tree(order, refund)
        posted = refund.created + (7 * 86_400 if what == "release" else 0)
        known = f"R{number}L" if what == "release" else f"R{number}"
        row = _frame(store, order, known, posted, ("Refund", "Refund Order"))
        related = row["relatedIdentifiers"]
        assert isinstance(related, list)  # noqa: S101 - made by _frame
        related.append(_related("REFUND_ID", str(number)))
        if is_deferred(refund):
            row["transactionStatus"] = "RELEASED" if what == "release" else "DEFERRED_RELEASED"
            other = ("DEFERRED", f"R{number}") if what == "release" else ("RELEASE", f"R{number}L")
            related.append(_related(f"{other[0]}_TRANSACTION_ID", other[1]))
    amounts = [_item(order, index, parts) for index, parts in tree]
    row["items"] = amounts
    row["totalAmount"] = _money(sum(sum(parts.values()) for _, parts in tree), order)
    return row


def _shipment_tree(order: Order) -> list[tuple[int, dict[str, int]]]:
    tree = []
    for index, line in enumerate(order.lines):
        parts = {"OurPricePrincipal": line.subtotal, "OurPriceDiscount": line.total - line.subtotal}
        parts["OurPriceTax"] = line.total_tax
        if index == 0:
            shipping, extra = order.shipping, order.fee
            parts["ShippingPrincipal"] = shipping.total if shipping else 0
            parts["ShippingTax"] = shipping.tax if shipping else 0
            parts["GiftwrapPrincipal"] = extra.total if extra else 0
            parts |= {kind: -amount for kind, amount in fees_of(order).items()}
        if states.place(order).on_top:
            parts["MarketplaceFacilitatorTax-Principal"] = -line.total_tax
        tree.append((index, parts))
    return tree


def _refund_tree(order: Order, refund: Refund) -> list[tuple[int, dict[str, int]]]:
    tree, left = [], refund.amount
    for row in refund.lines:
        parts = {"OurPricePrincipal": -row.total, "OurPriceTax": -row.tax}
        if states.place(order).on_top:
            parts["MarketplaceFacilitatorTax-Principal"] = row.tax
        left -= row.total + row.tax
        tree.append((row.position, parts))
    if not tree:
        tree.append((0, {}))
    tree[0][1]["ShippingPrincipal"] = -left  # what is no item's: shipping, or an amount typed by hand
    tree[0][1]["Commission"] = share(refund.amount, 1_500)
    tree[0][1]["RefundCommission"] = -min(500, share(refund.amount, 300))
    return tree


_FEES = ("Commission", "RefundCommission", "FBAPerUnitFulfillmentFee")
_CONTAINERS = {"OurPricePrincipal": "ProductCharges", "OurPriceDiscount": "PromoRebates"}


def _container(kind: str) -> str:
    if kind in _FEES:
        return "AmazonFees"
    if "Tax" in kind:
        return "Tax"
    return _CONTAINERS.get(kind, "Giftwrap" if kind.startswith("Giftwrap") else "Shipping")


def _item(order: Order, index: int, parts: dict[str, int]) -> Json:
    line = order.lines[index]
    grouped: dict[str, list[Json]] = {}
    for kind, cents in parts.items():
        if cents:
            leaf: Json = {"breakdownType": kind, "breakdownAmount": _money(cents, order), "breakdowns": []}
            if kind in _FEES:
                leaf["breakdowns"] = [{"breakdownType": "Base", "breakdownAmount": _money(cents, order)}]
            grouped.setdefault(_container(kind), []).append(leaf)
    return {
        "description": line.product.full_name,
        "totalAmount": _money(sum(parts.values()), order),
        "relatedIdentifiers": [
            {
                "itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID",
                "itemRelatedIdentifierValue": str(order.item_base + index),
            }
        ],
        "breakdowns": [
            {
                "breakdownType": name,
                "breakdownAmount": _money(sum(parts[str(leaf["breakdownType"])] for leaf in leaves), order),
                "breakdowns": leaves,
            }
            for name, leaves in grouped.items()
        ],
        "contexts": [
            {
                "contextType": "ProductContext",
                "asin": f"B0{line.product.id:08}",
                "sku": "" if line.product.gone else line.product.sku,
                "quantityShipped": line.quantity,
                "fulfillmentNetwork": "AFN" if states.by_amazon(order) else "MFN",
            }
        ],
    }


def _frame(store: Store, order: Order, known: str, posted: int, kind: tuple[str, str]) -> Json:
    place = states.place(order)
    return {
        "sellingPartnerMetadata": {
            "sellingPartnerId": keys(store.spec).seller_id,
            "accountType": "Standard Orders",
            "marketplaceId": place.id,
        },
        "transactionType": kind[0],
        "transactionId": known,
        "transactionStatus": "RELEASED",
        "description": kind[1],
        "postedDate": iso(posted),
        "relatedIdentifiers": [_related("ORDER_ID", states.number(order))],
        "marketplaceDetails": {"marketplaceId": place.id, "marketplaceName": place.channel},
    }


def _related(name: str, value: str) -> Json:
    return {"relatedIdentifierName": name, "relatedIdentifierValue": value}


def _money(cents: int, order: Order) -> Json:
    return {"currencyCode": order.currency, "currencyAmount": cents / 100}
