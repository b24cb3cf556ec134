"""Deterministic order history: about 400 days up to the store's present, with every oddity a real store has."""

from __future__ import annotations

import gc
from random import Random
from typing import TYPE_CHECKING

from portal.sandbox import words
from portal.sandbox.clock import DAY
from portal.sandbox.rows import Order, Refund, RefundLine

if TYPE_CHECKING:
    from portal.sandbox.basket import Basket
    from portal.sandbox.store import Store

HISTORY_DAYS = 400
TIE_ORDERS = 40
_WEEKDAYS = (0.9, 1.0, 1.05, 1.1, 1.25, 0.85, 0.75)
_SETTLED = (
    ("completed", 0.74), ("refunded", 0.79), ("processing", 0.85), ("cancelled", 0.905), ("failed", 0.95),
    ("on-hold", 0.97), ("pending", 0.985), ("trash", 0.993), ("checkout-draft", 1.0),
)  # fmt: skip
_RECENT = (
    ("processing", 0.55), ("completed", 0.78), ("on-hold", 0.86), ("pending", 0.91), ("failed", 0.94),
    ("cancelled", 0.96), ("refunded", 0.975), ("checkout-draft", 0.99), ("trash", 1.0),
)  # fmt: skip
UNPAID = frozenset({"trash", "pending", "failed", "cancelled", "checkout-draft", "on-hold"})


def fill(store: Store) -> None:
    """Writes `spec.orders` orders with their refunds into an empty store. 50,000 take a few seconds."""
    rng = Random(f"{store.spec.seed}:orders")
    basket = store.basket()
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage, and the collector would walk the growing heap again and again
    try:
        for number, created in enumerate(_moments(store, rng)):
            _one(store, basket, rng, number, created)
    finally:
        if collecting:
            gc.enable()
    _bulk_edit(store)


def catch_up(store: Store, since: int) -> int:
    """Gives a store that was taken up again the orders of the time it was away; says how many (at most 2,000)."""
    now = store.clock.now()
    per_second = store.spec.orders / (HISTORY_DAYS * DAY) * 1.4
    count = min(2_000, int(max(0, now - since) * per_second))
    rng = Random(f"{store.spec.seed}:{since}")
    basket = store.basket()
    moments = sorted(since + int(rng.random() * (now - since)) for _ in range(count))
    first = len(store.orders) + len(store.refunds)
    for place, created in enumerate(moments):
        _one(store, basket, rng, first + place, created)
    store.version += 1
    return count


def _moments(store: Store, rng: Random) -> list[int]:
    """Ascending creation times: growth over the year, weekdays, some today and on this weekday last week."""
    count, clock = store.spec.orders, store.clock
    now = clock.now()
    today = clock.midnight(now)
    if count == 0:
        return []
    so_far = max(60, now - today)
    pinned = min(count // 6, max(3, round(count / HISTORY_DAYS * 1.4)))
    moments = [today + int(rng.random() * so_far) for _ in range(pinned)]
    week_ago = clock.midnight(now - 7 * DAY)
    moments += [week_ago + int(rng.random() * so_far) for _ in range(pinned)]
    days = [clock.midnight(now - back * DAY) for back in range(1, HISTORY_DAYS + 1)]
    weights = [
        _WEEKDAYS[(clock.day_number(day) + 3) % 7] * (1.6 - 0.8 * back / HISTORY_DAYS) for back, day in enumerate(days)
    ]
    for day in rng.choices(days, weights, k=count - len(moments)):
        # The sum of two throws makes the afternoon busier than the night.
        moments.append(day + int((rng.random() + rng.random()) * 0.5 * DAY))
    return sorted(min(moment, now - 1) for moment in moments)


def _status(rng: Random, age: int) -> str:
    throw = rng.random()
    for status, bound in _RECENT if age < 3 * DAY else _SETTLED:
        if throw < bound:
            return status
    return "completed"


def _one(store: Store, basket: Basket, rng: Random, number: int, created: int) -> None:
    now = store.clock.now()
    order = basket.fill(rng, number, created)
    order.status = basket.status(_status(rng, now - created))
    if number < 12 and order.status in ("trash", "checkout-draft"):
        order.status = "completed"
    if order.status == "trash":
        order.status_before_trash = "cancelled"
    if order.status not in UNPAID:
        order.paid = min(now, created + int(rng.random() * 7_200))
        order.payment = order.payment if order.payment[0] else words.PAYMENTS[0]
    if order.status in ("completed", "refunded"):
        order.completed = min(now, created + int(rng.random() * 3 * DAY))
    order.modified = max(
        order.completed or 0, order.paid or 0, min(now, created + int(rng.random() * 4 * DAY)), created
    )
    store.orders[order.id] = order
    if order.status == "refunded" and order.total >= 0:  # money is given back, never taken: no refund of a credit
        _refund(store, rng, order, full=True)
    elif order.status == "completed" and order.total > 600 and rng.random() < 0.05:
        _refund(store, rng, order, full=False)
        if rng.random() < 0.3 and order.total - order.refunded > 300:
            _refund(store, rng, order, full=False)


def _refund(store: Store, rng: Random, order: Order, *, full: bool) -> None:
    now = store.clock.now()
    since = order.completed or order.created
    created = since + int(rng.random() * min(12 * DAY, max(0, now - since)))
    if full:
        lines = [RefundLine(place, line.quantity, line.total, line.total_tax) for place, line in enumerate(order.lines)]
        amount = order.total
    else:
        amount = min(order.total - order.refunded, rng.choice((250, 500, order.total // 3)))
        # Some shops type an amount without naming a line.
        lines = [RefundLine(0, 0, amount, 0)] if order.lines and rng.random() < 0.7 else []
    refund = Refund(
        id=store.take_id(),
        order_id=order.id,
        created=created,
        amount=amount,
        reason=rng.choice(words.REASONS),
        kind="full" if full else "partial",
        item_base=store.take_items(len(lines) + 6),
        lines=lines,
        shipping=full and order.shipping is not None,
    )
    order.refunds.append(refund)
    order.modified = max(order.modified, created)
    store.refunds[refund.id] = refund


def _bulk_edit(store: Store) -> None:
    """Two bulk edits: 40 orders of last month share one second, and so do 40 of the last days."""
    now = store.clock.now()
    rows = list(store.orders.values())
    for moment in (now - 20 * DAY, now - 7_200):
        older = [row for row in rows if row.modified <= moment]
        for order in older[-min(TIE_ORDERS, len(older)) :]:
            order.modified = moment
