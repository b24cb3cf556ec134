"""Amazon's words for where an order stands, the same for the API (PARTIALLY_SHIPPED) and for reports (Partially Shipped)."""

from __future__ import annotations

import re
from functools import lru_cache

from portal.commerce.records import Fulfilment, OrderStatus

_LONGEST = 60
_NOT_LETTERS = re.compile(r"[^A-Z]+")
_SPELLED = {
    "CANCELED": "CANCELLED",
    "PARTIALLYSHIPPED": "PARTIALLY_SHIPPED",
    "PENDINGAVAILABILITY": "PENDING_AVAILABILITY",
    "SHIPPING": "UNSHIPPED",
    "COMPLETE": "SHIPPED",
}
_STATUS = {
    "PENDING_AVAILABILITY": OrderStatus.PENDING,
    "PENDING": OrderStatus.PENDING,
    "UNSHIPPED": OrderStatus.PROCESSING,
    "PARTIALLY_SHIPPED": OrderStatus.PROCESSING,
    "SHIPPED": OrderStatus.COMPLETED,
    "CANCELLED": OrderStatus.CANCELLED,
    "UNFULFILLABLE": OrderStatus.FAILED,
}
_FULFILMENT = {
    "SHIPPED": Fulfilment.FULFILLED,
    "PARTIALLY_SHIPPED": Fulfilment.PARTIAL,
    "CANCELLED": Fulfilment.NOT_REQUIRED,
    "UNFULFILLABLE": Fulfilment.NOT_REQUIRED,
}
UNPRICED = frozenset({"PENDING_AVAILABILITY", "PENDING", "CANCELLED", "UNFULFILLABLE"})
"""Where an order may have no amounts: it does not count as revenue, and gets them when it moves on."""


def word(given: str) -> str:
    """Amazon's word in the API's spelling. Reports add details (Shipped - Delivered to Buyer), which are left out."""
    return _word(given) if len(given) <= _LONGEST else _word.__wrapped__(given)  # nothing long is kept


@lru_cache(maxsize=256)
def _word(given: str) -> str:
    plain = _NOT_LETTERS.sub("_", given.upper()).strip("_")
    plain = _SPELLED.get(plain, plain)
    for known in ("PENDING_AVAILABILITY", "PARTIALLY_SHIPPED", "PENDING", "SHIPPED", "CANCELLED"):
        if plain.startswith(f"{known}_"):
            return known
    return plain


def status(source: str) -> OrderStatus:
    """The portal's state for Amazon's word; OTHER, which does not count, for one that is new."""
    return _STATUS.get(source, OrderStatus.OTHER)


def fulfilment(source: str) -> Fulfilment:
    return _FULFILMENT.get(source, Fulfilment.UNFULFILLED)
