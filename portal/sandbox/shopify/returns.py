"""Returns: what was sent back before a refund, as the history has it, and what is opened at the control desk."""

from __future__ import annotations

from portal.sandbox.clock import DAY
from portal.sandbox.rows import Order, Return, ReturnedItem
from portal.sandbox.store import Store

RETURNS = 60_000_000  # ids of returns begin here
STATES = ("requested", "open", "closed", "declined", "canceled")
REASONS = (
    "Damaged or defective",
    "Size was too small",
    "Customer changed their mind",
    "Received the wrong item",
    "Other",
)
_MOVING = {"requested": "RETURN_REQUESTED", "open": "IN_PROGRESS"}


def returns_of(store: Store, order: Order) -> list[Return]:
    """Every return of an order, oldest first. Units given back in the history came back first."""
    found = []
    for refund in order.refunds:
        lines = [
            ReturnedItem(row.position, row.quantity, _reason(refund.id + row.position), refund.reason)
            for row in refund.lines
            if row.quantity and row.position < len(order.lines)
        ]
        if lines:
            sent = max(order.completed or order.created, refund.created - 2 * DAY)
            found.append(Return(refund.id, order.id, min(sent, refund.created), "closed", lines))
    return sorted([*found, *store.returns.get(order.id, ())], key=lambda each: each.id)


def status(store: Store, order: Order) -> str:
    """`returnStatus`: a return that was declined or canceled leaves none."""
    states = [each.state for each in returns_of(store, order)]
    for state, word in _MOVING.items():
        if state in states:
            return word
    return "RETURNED" if "closed" in states else "NO_RETURN"


def open_return(store: Store, order: Order, quantity: int, reason: str, note: str) -> Return:
    """A return of `quantity` of the order's first line is asked for."""
    made = Return(store.take_id(), order.id, store.clock.now(), "requested", [ReturnedItem(0, quantity, reason, note)])
    store.returns.setdefault(order.id, []).append(made)
    return made


def under_way(store: Store, order: Order) -> Return | None:
    """The return of an order that is not at its end."""
    return next((each for each in store.returns.get(order.id, ()) if each.state in _MOVING), None)


def _reason(number: int) -> str:
    return REASONS[number % len(REASONS)]
