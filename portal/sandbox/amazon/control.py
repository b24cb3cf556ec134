"""What the control desk can do with an Amazon account: the store's actions where Amazon knows them, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.sandbox import changes
from portal.sandbox.amazon import states
from portal.sandbox.amazon.options import ROLES
from portal.sandbox.amazon.places import PLACES
from portal.sandbox.asking import Asking, BadControl
from portal.sandbox.changes import Wish
from portal.sandbox.control import ACTIONS as COMMON
from portal.sandbox.money import text
from portal.sandbox.platforms import Action
from portal.sandbox.rows import Order
from portal.sandbox.store import Store

if TYPE_CHECKING:
    from portal.sandbox.amazon.site import AmazonSite

Json = dict[str, object]
_STATES = ("pending", "processing", "completed", "cancelled")
_SHARED = ("sell_out", "restock", "delete_product", "fault", "clear_faults", "revoke_keys", "restore_keys", "set_now")


def actions(site: AmazonSite) -> dict[str, Action]:
    """The actions of one account."""

    def expire_tokens(store: Store, ask: Asking) -> Json:
        return {"expired": site.grants.expire()}

    def rotate_secret(store: Store, ask: Asking) -> Json:
        return {"client_secret": site.grants.rotate()}

    def set_roles(store: Store, ask: Asking) -> Json:
        wanted = [each.strip() for each in ask.text("roles").split(",") if each.strip()]
        if unknown := [each for each in wanted if each not in ROLES]:
            raise BadControl("roles", f"{unknown[0]!r} is not a role", ROLES)
        site.roles = set(wanted)
        return {"roles": sorted(site.roles)}

    def fail_reports(store: Store, ask: Asking) -> Json:
        site.reports.fatal_next = ask.integer("times", 1, 0, 1_000)
        return {"failing": site.reports.fatal_next}

    def forget_reports(store: Store, ask: Asking) -> Json:
        site.reports.forget()
        return {"reports": "gone"}

    return {
        **{name: COMMON[name] for name in _SHARED},
        "place_order": (_place_order, ("total", "lines", "marketplace", "status", "created")),
        "edit_order": (_edit_order, ("order", "status")),
        "cancel_order": (_cancel_order, ("order",)),
        "fulfil_order": (_fulfil_order, ("order",)),
        "refund": (_refund, ("order", "amount", "reason")),
        "expire_tokens": (expire_tokens, ()),
        "rotate_secret": (rotate_secret, ()),
        "set_roles": (set_roles, ("roles",)),
        "fail_reports": (fail_reports, ("times",)),
        "forget_reports": (forget_reports, ()),
    }


def _facts(order: Order) -> Json:
    return {
        "order_id": states.number(order), "id": order.id, "status": states.word(order), "currency": order.currency,
        "total": text(order.total), "refunded": text(order.refunded), "marketplace": order.via,
    }  # fmt: skip


def _place_order(store: Store, ask: Asking) -> Json:
    """An order of a few items; `total` is reached by a charge beside them. Pending orders keep their amounts to themselves."""
    places = store.spec.amazon.marketplaces
    place = PLACES[ask.word("marketplace", places[0], places)]
    shelf = store.sellables()
    start = store.version * 7
    count = ask.integer("lines", 1, 1, 100)
    moment = ask.moment("created")
    order = changes.place_order(
        store,
        [Wish(shelf[(start + step) % len(shelf)], 1) for step in range(count)],
        total=ask.cents("total"),
        currency=place.currency,
        status=ask.word("status", "processing", _STATES),
        via=place.id,
        created=None if moment is None else int(moment.timestamp()),
    )
    return _facts(order)


def _edit_order(store: Store, ask: Asking) -> Json:
    order = _some(store, ask, "pending", "processing")
    changes.edit_order(store, order, status=ask.word("status", "completed", _STATES))
    return _facts(order)


def _cancel_order(store: Store, ask: Asking) -> Json:
    order = _some(store, ask, "pending", "processing")
    changes.edit_order(store, order, status="cancelled")
    return _facts(order)


def _fulfil_order(store: Store, ask: Asking) -> Json:
    order = _some(store, ask, "processing")
    changes.edit_order(store, order, status="completed")
    return _facts(order)


def _refund(store: Store, ask: Asking) -> Json:
    order = _some(store, ask, "completed", "processing")
    amount = ask.cents("amount")
    try:
        made = changes.refund(
            store, order, order.total - order.refunded if amount is None else amount, reason=ask.text("reason")
        )
    except changes.Refused as refused:
        raise BadControl("amount", str(refused), (f"0.01..{text(order.total - order.refunded)}",)) from refused
    return _facts(order) | {"refund_id": made.id, "amount": text(made.amount)}


def _some(store: Store, ask: Asking, *suiting: str) -> Order:
    if ask.has("order") and "-" in str(ask.value("order")):
        found = store.orders.get(states.number_of(str(ask.value("order"))))
    else:
        found = ask.order(store) or changes.pick(
            store.orders.values(), lambda row: row.status in suiting and (row.status == "pending" or row.total > 0)
        )
    if found is None:
        raise BadControl("order", "the account has no order that suits; name one")
    return found
