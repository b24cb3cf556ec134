"""What goes on in a store during chaos: a script of orders, refunds, edits, deletions and stock, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from portal.sandbox.asking import BadControl
from portal.sandbox.changes import Refused
from portal.sandbox.control import act
from portal.sandbox.money import text
from portal.sandbox.platforms import Action
from portal.sandbox.rows import Order
from portal.sandbox.store import Store

_NEWEST = 60  # orders that are touched again
_SCRIPT: dict[str, dict[str, int]] = {
    "woocommerce": {
        "place_order": 8, "refund": 3, "edit_order": 3, "trash": 1, "restore": 1, "force_delete": 1, "delete_refund": 1,
        "add_note": 1, "bulk_edit": 1, "sell_out": 1, "restock": 2,
    },
    "shopify": {
        "place_order": 8, "refund": 3, "edit_order": 1, "cancel_order": 1, "fulfil_order": 2, "return_order": 2, "delete_order": 1,
        "bulk_edit": 1, "sell_out": 1, "restock": 2,
    },
    "amazon": {
        "place_order": 8, "refund": 3, "edit_order": 1, "cancel_order": 1, "fulfil_order": 2, "sell_out": 1, "restock": 2,
    },
}  # fmt: skip
_OPEN = frozenset({"processing", "pending"})
_SUITS: dict[str, Callable[[Order], bool]] = {
    "refund": lambda order: order.status in ("processing", "completed") and order.total - order.refunded >= 100,
    "edit_order": lambda order: order.status == "processing",
    "fulfil_order": lambda order: order.status == "processing",
    "cancel_order": lambda order: order.status in _OPEN and not order.refunds,
    "return_order": lambda order: order.completed is not None and bool(order.lines),
    "trash": lambda order: order.status in ("processing", "completed", "cancelled"),
    "force_delete": lambda order: order.status not in ("trash", "checkout-draft"),
    "delete_order": lambda order: order.status == "cancelled",
    "add_note": lambda order: order.status != "trash",
}


def step(store: Store, actions: Mapping[str, Action], seed: int, number: int) -> str:
    """Carry out step `number` of the script. Gives the action's name, empty when the store had nothing for it."""
    rng = Random(f"{seed}:{store.spec.name}:step:{number}")
    script = _SCRIPT[store.spec.platform]
    name = rng.choices(list(script), list(script.values()))[0]
    given = _parameters(store, name, rng)
    if given is None:
        return ""
    try:
        act(store, {"action": name, **given}, actions)
    except (BadControl, Refused):
        return ""
    return name


def _parameters(store: Store, name: str, rng: Random) -> dict[str, object] | None:
    """What the action is asked for with; None when there is no row for it."""
    if name == "place_order":
        return _order(store, rng)
    if name == "bulk_edit":
        return {"count": rng.randint(2, 8)}
    if name in {"sell_out", "restock"}:
        product = rng.choice([each for each in store.sellables() if each.managed] or store.sellables())
        given: dict[str, object] = {"product_id": product.id}
        return given | ({"quantity": rng.randint(0, 90)} if name == "restock" else {})
    if name == "delete_refund":
        return {"refund": rng.choice(sorted(store.refunds)[-_NEWEST:])} if store.refunds else None
    if name not in _SUITS:
        return {}
    rows = [order for order in list(store.orders.values())[-_NEWEST:] if _SUITS[name](order)]
    if not rows:
        return None
    order = rng.choice(rows)
    given = {"order": order.id}
    if name == "refund" and rng.random() < 0.7:
        given["amount"] = text(rng.randint(1, order.total - order.refunded))
    return given


def _order(store: Store, rng: Random) -> dict[str, object]:
    given: dict[str, object] = {"lines": rng.randint(1, 4)}
    if store.spec.platform != "amazon" and rng.random() < 0.4:
        given = {"total": text(rng.randint(99, 49_999))}
    if rng.random() < 0.15:
        given["status"] = "pending"
    if store.spec.platform == "amazon":
        given["marketplace"] = rng.choice(store.spec.amazon.marketplaces)
    if store.spec.platform == "shopify" and rng.random() < 0.1:
        given["test"] = "yes"
    return given
