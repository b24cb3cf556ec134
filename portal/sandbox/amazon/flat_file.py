"""The order report as Amazon writes it: tab-separated, a row per item, rows of an order mostly but not always together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from portal.sandbox.amazon import states
from portal.sandbox.amazon.orders import asin, item_amounts
from portal.sandbox.money import text
from portal.sandbox.rows import Order
from portal.sandbox.store import Store

COLUMNS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status", "fulfillment-channel",
    "sales-channel", "order-channel", "url", "ship-service-level", "product-name", "sku", "asin", "item-status", "quantity",
    "currency", "item-price", "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount", "ship-city", "ship-state", "ship-postal-code", "ship-country",
    "promotion-ids", "is-business-order", "purchase-order-number", "price-designation",
)  # fmt: skip
_WORDS = {
    "PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "Partially Shipped", "SHIPPED": "Shipped",
    "CANCELLED": "Cancelled",
}  # fmt: skip


def flat_file(store: Store, by: str, start: int, end: int, marketplaces: Collection[str]) -> str:
    """The report of orders placed (`created`) or updated (`modified`) in a range.

    One order in forty has its last row at the very end, and there are a few orders of the seller's own shop, which Amazon only
    ships: they have no price and count nowhere.
    """
    rows, late = ["\t".join(COLUMNS)], []
    wanted = (
        order for order in store.orders.values() if start <= getattr(order, by) <= end and order.via in marketplaces
    )
    for order in sorted(wanted, key=lambda each: (each.created, each.id)):
        own = [_row(order, index) for index in range(len(order.lines))]
        if order.id % 40 == 3 and len(own) > 1:
            late.append(own.pop())
        rows += own
        if order.id % 31 == 5:
            rows.append(_elsewhere(order))
    return "\n".join([*rows, *late, ""])


def _row(order: Order, index: int) -> str:
    line, place, word = order.lines[index], states.place(order), states.word(order)
    cells = {
        "amazon-order-id": states.number(order),
        "merchant-order-id": states.number(order),
        "purchase-date": _time(order.created),
        "last-updated-date": _time(order.modified),
        # Shipped orders carry details in some marketplaces.
        "order-status": "Shipped - Delivered to Buyer" if word == "SHIPPED" and order.id % 9 == 0 else _WORDS[word],
        "fulfillment-channel": "Amazon" if states.by_amazon(order) else "Merchant",
        "sales-channel": place.channel,
        "product-name": line.product.full_name.replace("\t", " ").replace("\n", " "),
        "sku": "" if line.product.gone else line.product.sku,
        "asin": asin(line.product.id),
        "item-status": _WORDS[word],
        "quantity": "0" if word == "CANCELLED" else str(line.quantity),
        "ship-city": order.person.city,
        "ship-country": order.person.country,
        "is-business-order": "false",
    }
    if states.is_priced(order) and order.note != states.REPLACEMENT:
        given = item_amounts(order, index)
        cells |= {
            "currency": order.currency,
            "item-price": text(given["price"]),
            "item-tax": text(given["tax"]) if given["tax"] else "",
            "shipping-price": text(given["shipping"]) if given["shipping"] else "",
            "shipping-tax": text(given["shipping_tax"]) if given["shipping_tax"] else "",
            "gift-wrap-price": text(given["extra"]) if given["extra"] else "",
            "item-promotion-discount": text(given["off"]) if given["off"] else "",
        }
    return "\t".join(cells.get(column, "") for column in COLUMNS)


def _elsewhere(order: Order) -> str:
    cells = {
        "amazon-order-id": f"S{order.id % 100:02}-0000000-{order.id:07}",
        "purchase-date": _time(order.created),
        "last-updated-date": _time(order.modified),
        "order-status": "Shipped",
        "fulfillment-channel": "Amazon",
        "sales-channel": "Non-Amazon",
        "product-name": order.lines[0].product.full_name,
        "sku": order.lines[0].product.sku,
        "item-status": "Shipped",
        "quantity": "1",
    }
    return "\t".join(cells.get(column, "") for column in COLUMNS)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
