"""The control desk of a Shopify store: what happens in a shop, and what can go wrong with an app."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from portal.sandbox import changes, control
from portal.sandbox.asking import Asking, BadControl
from portal.sandbox.control import Action, Json
from portal.sandbox.faults import KINDS
from portal.sandbox.rows import Order
from portal.sandbox.shopify import returns
from portal.sandbox.shopify.api import Api
from portal.sandbox.shopify.delivery import Courier
from portal.sandbox.shopify.options import SCOPES
from portal.sandbox.store import Store

FAULTS = (*KINDS, "throttled", "internal", "401", "402", "403", "423")
_SHARED = (
    "edit_order", "sell_out", "restock", "delete_product", "clear_faults", "revoke_keys", "restore_keys", "set_now",
    "add_note",
)  # fmt: skip
_BULK_ERRORS = ("INTERNAL_SERVER_ERROR", "TIMEOUT", "ACCESS_DENIED")


def actions(api: Api, courier: Courier) -> Mapping[str, Action]:
    """The actions of one store; those about the app need its gate, its exports and its courier."""

    def set_scopes(store: Store, ask: Asking) -> Json:
        names = [each.strip() for each in ask.text("scopes", ",".join(SCOPES)).split(",") if each.strip()]
        api.gate.scopes = frozenset(names)
        return {"scopes": sorted(names)}

    def expire_tokens(store: Store, ask: Asking) -> Json:
        return {"expired": api.gate.expire()}

    def set_token_life(store: Store, ask: Asking) -> Json:
        api.gate.token_seconds = ask.seconds("seconds", 60.0)
        return {"seconds": api.gate.token_seconds}

    def drain(store: Store, ask: Asking) -> Json:
        api.gate.take(store.spec.shopify.points)
        return {"available": int(api.gate.available)}

    def fail_bulk(store: Store, ask: Asking) -> Json:
        code = ask.word("code", _BULK_ERRORS[0], _BULK_ERRORS)
        api.exports.failing += [code] * ask.integer("times", 1, 1, 100)
        return {"failing": list(api.exports.failing)}

    def expire_exports(store: Store, ask: Asking) -> Json:
        for each in api.exports.all.values():
            each.expired = True
        return {"expired": len(api.exports.all)}

    def double_deliveries(store: Store, ask: Asking) -> Json:
        courier.twice += ask.integer("times", 1, 1, 10_000)
        return {"doubled": courier.twice}

    def uninstall(store: Store, ask: Asking) -> Json:
        store.keys_revoked = True
        courier.send("app/uninstalled", {"id": 1, "myshopify_domain": f"{store.spec.name}.myshopify.com"})
        return {"keys": "revoked"}

    return {
        **{name: control.ACTIONS[name] for name in _SHARED},
        "place_order": (
            _place_order,
            ("total", "lines", "currency", "status", "customer", "note", "created", "test"),
        ),
        "refund": (_refund, ("order", "amount", "reason", "restock")),
        "cancel_order": (_setting("cancelled", "order.cancelled"), ("order",)),
        "fulfil_order": (_setting("completed", "order.fulfilled"), ("order",)),
        "return_order": (_return_order, ("order", "quantity", "reason", "note", "state")),
        "delete_order": (_delete_order, ("order",)),
        "bulk_edit": (control.ACTIONS["bulk_edit"][0], ("count", "status")),
        "fault": control.planning(FAULTS),
        "set_scopes": (set_scopes, ("scopes",)),
        "expire_tokens": (expire_tokens, ()),
        "set_token_life": (set_token_life, ("seconds",)),
        "drain": (drain, ()),
        "fail_bulk": (fail_bulk, ("times", "code")),
        "expire_exports": (expire_exports, ()),
        "double_deliveries": (double_deliveries, ("times",)),
        "uninstall": (uninstall, ()),
    }


def _place_order(store: Store, ask: Asking) -> Json:
    """An order in the shop's currency; `currency` is what the buyer pays in, `test` makes it one of test money."""
    paid_in = ask.currency("currency", store.spec.currency)
    test = ask.word("test", "no", ("yes", "no")) == "yes"
    given = {name: ask.value(name) for name in ("lines", "total", "status", "customer", "note", "created")}

    def mark(topic: str, row: object) -> None:
        if topic == "order.created" and isinstance(row, Order):
            row.test, row.presentment = test, "" if paid_in == store.spec.currency else paid_in

    store.listeners.insert(0, mark)  # before the courier tells of it
    try:
        done = control.ACTIONS["place_order"][0](store, Asking(given))
    finally:
        store.listeners.remove(mark)
    return done | {"test": test, "presentment": paid_in}


def _refund(store: Store, ask: Asking) -> Json:
    done = control.ACTIONS["refund"][0](store, ask)
    store.publish("order.refunded", store.orders[int(str(done["order_id"]))])
    return done


def _setting(status: str, topic: str = "") -> Callable[[Store, Asking], Json]:
    def act(store: Store, ask: Asking) -> Json:
        order = ask.order(store) or changes.pick(store.orders.values(), lambda row: row.status == "processing")
        if order is None:
            raise BadControl("order", "the store has no order that suits; name one")
        changes.edit_order(store, order, status=status)
        if topic:
            store.publish(topic, order)
        return {"order_id": order.id, "status": order.status}

    return act


def _return_order(store: Store, ask: Asking) -> Json:
    """A return of the order's first line; of an order with one under way, what becomes of that. Says its `state`."""
    order = ask.order(store) or changes.pick(
        store.orders.values(), lambda row: row.completed is not None and bool(row.lines)
    )
    if order is None or not order.lines:
        raise BadControl("order", "the store has no order that suits; name one with lines")
    row = returns.under_way(store, order)
    if row is None:
        quantity = ask.integer("quantity", 1, 1, max(1, order.lines[0].quantity))
        reason = ask.word("reason", returns.REASONS[0], returns.REASONS)
        row = returns.open_return(store, order, quantity, reason, ask.text("note", limit=255))
        row.state = ask.word("state", "requested", returns.STATES)
    else:
        row.state = ask.word("state", "closed", returns.STATES)
    changes.touch(store, order)
    store.publish(f"return.{row.state}", order)
    store.publish("order.updated", order)
    return {"order_id": order.id, "return_id": returns.RETURNS + row.id, "state": row.state}


def _delete_order(store: Store, ask: Asking) -> Json:
    order = ask.order(store) or changes.pick(store.orders.values(), lambda row: row.status == "cancelled")
    if order is None:
        raise BadControl("order", "the store has no order that suits; name one")
    changes.force_delete(store, order)
    store.publish("order.deleted", order)
    return {"order_id": order.id, "status": "deleted"}
