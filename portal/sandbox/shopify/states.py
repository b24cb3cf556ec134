"""How Shopify calls what a row says: payment and fulfilment, each by a word of its own."""

from __future__ import annotations

from portal.sandbox.rows import Order

_FINANCIAL = {"pending": "PENDING", "on-hold": "AUTHORIZED", "failed": "EXPIRED", "refunded": "REFUNDED"}


def financial(order: Order) -> str:
    """`displayFinancialStatus`."""
    if order.status == "cancelled":
        if order.paid is None:
            return "VOIDED"
        return "REFUNDED" if order.refunds and order.refunded >= order.total else "PAID"
    if order.status in _FINANCIAL:
        return _FINANCIAL[order.status]
    return "PARTIALLY_REFUNDED" if order.refunds else "PAID"


def fulfilment(order: Order) -> str:
    """`displayFulfillmentStatus`."""
    return "FULFILLED" if order.completed is not None else "UNFULFILLED"


def word(order: Order) -> str:
    """One word for the truth: cancelled, else the payment's."""
    return "cancelled" if order.status == "cancelled" else financial(order).lower()
