"""The file of orders that a merchant exports by hand: what there was before a platform's API was connected."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from portal.sandbox.money import text
from portal.sandbox.rows import Order
from portal.sandbox.store import Store

_HEAD = (
    "Order number", "Order date", "Paid on", "Status", "Total", "Currency", "Refunded", "Refund date", "E-mail", "SKU",
    "Item", "Quantity", "Item total",
)  # fmt: skip
_LEFT_OUT = frozenset({"trash", "checkout-draft"})


def orders_csv(store: Store) -> str:
    """One row per line of every real order up to last midnight, in the store's own time."""
    until = store.clock.midnight(store.clock.now())
    made = StringIO()
    out = csv.writer(made)
    out.writerow(_HEAD)
    for order in store.orders.values():
        if order.created < until and order.status not in _LEFT_OUT and not order.test:
            out.writerows(_rows(store, order))
    return made.getvalue()


def _rows(store: Store, order: Order) -> Iterator[tuple[object, ...]]:
    paid = "" if order.paid is None else store.clock.iso(order.paid)
    back = max((refund.created for refund in order.refunds), default=None)
    head = (
        f"#{order.id}", store.clock.iso(order.created), paid, order.status, text(order.total), order.currency,
        text(order.refunded) if order.refunds else "", "" if back is None else store.clock.iso(back), order.person.email,
    )  # fmt: skip
    for line in order.lines:
        yield (*head, line.product.sku, line.product.full_name, line.quantity, text(line.total))
    if not order.lines:
        yield (*head, "", "", "", "")
