"""The control desk: `POST /_control` with `{"store", "action", ...}` makes something happen in a store.

Every action answers with what happened (ids, totals). Where an action needs an order or a product and none is
named, it takes the newest order that suits, or the best seller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from portal.sandbox import changes
from portal.sandbox.asking import Asking, BadControl
from portal.sandbox.changes import Wish
from portal.sandbox.faults import KINDS, Fault
from portal.sandbox.money import text
from portal.sandbox.rows import Order, Product
from portal.sandbox.store import Store

Json = dict[str, object]
_ON_SHELF = 3


def _order_facts(order: Order) -> Json:
    return {
        "order_id": order.id, "status": order.status, "currency": order.currency, "total": text(order.total),
        "refunded": text(order.refunded), "customer_id": order.customer_id,
    }  # fmt: skip


def _stock_facts(product: Product) -> Json:
    return {
        "product_id": product.parent.id if product.parent else product.id,
        "variation_id": product.id if product.parent else 0, "sku": product.sku, "name": product.full_name,
        "stock_quantity": product.stock, "stock_status": product.stock_status,
    }  # fmt: skip


def _some_order(store: Store, ask: Asking, suits: Callable[[Order], bool]) -> Order:
    order = ask.order(store) or changes.pick(store.orders.values(), suits)
    if order is None:
        raise BadControl("order", "the store has no order that suits; name one")
    return order


def _some_product(store: Store, ask: Asking) -> Product:
    product = ask.product(store)
    if product is None:
        product = max(store.sellables(), key=lambda row: (row.managed, row.total_sales), default=None)
    if product is None:
        raise BadControl("sku", "the store has no product; name one")
    return product


def _wishes(store: Store, ask: Asking) -> list[Wish]:
    given = ask.value("lines")
    if isinstance(given, list):
        wishes = []
        for row in given:
            if not isinstance(row, dict):
                raise BadControl("lines", 'must be a number or a list of {"sku", "quantity"}')
            line = Asking(row)
            line.only(("sku", "product_id", "quantity"))
            product = line.product(store)
            if product is None:
                raise BadControl("lines", "each line needs sku or product_id", ("sku", "product_id"))
            wishes.append(Wish(product, line.integer("quantity", 1, 1, 10_000)))
        return wishes
    count = ask.integer("lines", 1 if not ask.has("total") else 0, 0, 100)
    shelf = [row for row in store.sellables() if not row.managed or (row.stock or 0) >= _ON_SHELF]
    start = store.version * 7
    return [Wish(shelf[(start + place) % len(shelf)], 1) for place in range(count)] if shelf else []


def _place_order(store: Store, ask: Asking) -> Json:
    created = ask.moment("created")
    order = changes.place_order(
        store,
        _wishes(store, ask),
        total=ask.cents("total"),
        currency=ask.currency("currency", store.spec.currency),
        status=ask.word("status", "processing", changes.SETTABLE),
        customer=ask.customer(store),
        note=ask.text("note"),
        created=None if created is None else int(created.timestamp()),
    )
    return _order_facts(order) | {"lines": len(order.lines)}


def _refund(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status in ("completed", "processing") and row.total > row.refunded)
    amount = ask.cents("amount")
    try:
        made = changes.refund(
            store,
            order,
            order.total - order.refunded if amount is None else amount,
            reason=ask.text("reason"),
            restock=ask.word("restock", "no", ("yes", "no")) == "yes",
        )
    except changes.Refused as refused:
        left = text(order.total - order.refunded)
        raise BadControl("amount", str(refused), (f"0.01..{left}",)) from refused
    return _order_facts(order) | {"refund_id": made.id, "amount": text(made.amount)}


def _delete_refund(store: Store, ask: Asking) -> Json:
    row = store.refunds.get(ask.integer("refund", max(store.refunds, default=0), 0, 10**12))
    if row is None:
        raise BadControl("refund", "there is no such refund")
    changes.delete_refund(store, row)
    return {"refund_id": row.id, "order_id": row.order_id, "amount": text(row.amount)}


def _edit_order(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status == "processing")
    status = ask.word("status", "completed", changes.SETTABLE) if ask.has("status") else None
    note = ask.text("note") if ask.has("note") else None
    changes.edit_order(store, order, status=status if status or note else "completed", note=note)
    return _order_facts(order)


def _add_note(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status != "trash")
    note = changes.add_note(store, order, ask.text("text", "Notiz <b>ohne</b> Folgen 📝"))
    return _order_facts(order) | {"note_id": note.id}


def _trash(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status in ("processing", "completed"))
    changes.trash(store, order)
    return _order_facts(order)


def _restore(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status == "trash")
    changes.restore(store, order)
    return _order_facts(order)


def _force_delete(store: Store, ask: Asking) -> Json:
    order = _some_order(store, ask, lambda row: row.status in ("processing", "completed"))
    changes.force_delete(store, order)
    return _order_facts(order)


def _sell_out(store: Store, ask: Asking) -> Json:
    product = _some_product(store, ask)
    changes.set_stock(store, product, 0)
    return _stock_facts(product)


def _restock(store: Store, ask: Asking) -> Json:
    product = _some_product(store, ask)
    changes.set_stock(store, product, ask.integer("quantity", 50, -1_000, 1_000_000))
    return _stock_facts(product)


def _delete_product(store: Store, ask: Asking) -> Json:
    product = _some_product(store, ask)
    facts = _stock_facts(product)
    changes.delete_product(store, product)
    return facts


def _bulk_edit(store: Store, ask: Asking) -> Json:
    count = ask.integer("count", 40, 1, 10_000)
    status = ask.word("status", "", changes.SETTABLE) if ask.has("status") else None
    rows = [row for row in store.orders.values() if row.status not in ("trash", "checkout-draft")][-count:]
    moment = changes.bulk_edit(store, rows, status=status)
    return {"orders": [row.id for row in rows], "date_modified_gmt": store.clock.gmt(moment)}


def planning(kinds: Sequence[str]) -> Action:
    """The action that plans one of a platform's faults."""

    def fault(store: Store, ask: Asking) -> Json:
        planned = Fault(
            kind=ask.word("kind", "", kinds),
            times=ask.integer("times", 1, 1, 1_000_000),
            seconds=ask.seconds("seconds", 2.0),
            retry_after=ask.integer("retry_after", 1, 0, 86_400) if ask.has("retry_after") else None,
            path=ask.text("path", limit=100),
        )
        store.faults.plan(planned)
        return {"kind": planned.kind, "times": planned.times, "planned": len(store.faults.planned)}

    return fault, ("kind", "times", "seconds", "retry_after", "path")


def _clear_faults(store: Store, ask: Asking) -> Json:
    return {"cleared": store.faults.clear()}


def _revoke_keys(store: Store, ask: Asking) -> Json:
    store.keys_revoked = True
    return {"keys": "revoked"}


def _restore_keys(store: Store, ask: Asking) -> Json:
    store.keys_revoked = False
    return {"keys": "valid"}


def _set_now(store: Store, ask: Asking) -> Json:
    moment = ask.moment("now")
    if moment is None:
        raise BadControl("now", "is needed: an ISO date and time")
    store.clock.set(moment)
    return {"now": store.clock.gmt(store.clock.now()) + "Z"}


Action = tuple[Callable[[Store, Asking], Json], tuple[str, ...]]
ACTIONS: dict[str, Action] = {
    "place_order": (_place_order, ("total", "lines", "currency", "status", "customer", "note", "created")),
    "refund": (_refund, ("order", "amount", "reason", "restock")),
    "delete_refund": (_delete_refund, ("refund",)),
    "edit_order": (_edit_order, ("order", "status", "note")),
    "add_note": (_add_note, ("order", "text")),
    "sell_out": (_sell_out, ("sku", "product_id")),
    "restock": (_restock, ("sku", "product_id", "quantity")),
    "trash": (_trash, ("order",)),
    "restore": (_restore, ("order",)),
    "force_delete": (_force_delete, ("order",)),
    "delete_product": (_delete_product, ("sku", "product_id")),
    "bulk_edit": (_bulk_edit, ("count", "status")),
    "fault": planning(KINDS),
    "clear_faults": (_clear_faults, ()),
    "revoke_keys": (_revoke_keys, ()),
    "restore_keys": (_restore_keys, ()),
    "set_now": (_set_now, ("now",)),
}


def act(store: Store, given: Mapping[str, object], actions: Mapping[str, Action] = ACTIONS) -> Json:
    """Carries out one action. Raises BadControl (HTTP 400) with the field and the allowed values."""
    ask = Asking(given)
    name = ask.word("action", "", actions)
    run, parameters = actions[name]
    ask.only(parameters)
    return {"store": store.spec.name, "action": name, **run(store, ask)}
