"""`/orders`: list, one, create, edit, delete, notes."""

from __future__ import annotations

from portal.sandbox import changes
from portal.sandbox.changes import Wish
from portal.sandbox.rows import Order, Person
from portal.sandbox.woocommerce.call import Call, Reply, links
from portal.sandbox.woocommerce.errors import ApiError, Json, bad_request, invalid_id
from portal.sandbox.woocommerce.listing import fields_of, listing, narrowed
from portal.sandbox.woocommerce.order_json import order_json
from portal.sandbox.woocommerce.order_query import OrderIndex, read

LINK_DEFAULTS = (("status[0]", "any"), ("dp", "2"), ("context", "view"))


def list_orders(call: Call, index: OrderIndex) -> Reply:
    """A page of orders, newest first unless asked otherwise."""
    rows = index.find(read(call.params, call.store))
    return listing(
        call,
        rows,
        lambda row: order_json(call.store, row, call.dp),
        link_defaults=LINK_DEFAULTS,
        zero_past_end=True,
    )


def wanted_order(call: Call) -> Order:
    """The order in the path. Raises ApiError (404)."""
    order = call.store.orders.get(call.numbers[0])
    if order is None:
        raise invalid_id("shop_order")
    return order


def get_order(call: Call) -> Reply:
    """One order, trashed ones too."""
    return Reply(narrowed(order_json(call.store, wanted_order(call), call.dp), fields_of(call)))


def _status(body: Json) -> str | None:
    status = body.get("status")
    if status is None:
        return None
    if status not in changes.SETTABLE:
        from portal.sandbox.woocommerce.errors import invalid_params, listed

        allowed = ("auto-draft", *changes.SETTABLE, "checkout-draft")
        raise invalid_params({"status": ("rest_not_in_enum", f"status is not one of {listed(allowed)}.")})
    return str(status)


def _person(body: Json) -> Person | None:
    billing = body.get("billing")
    if not isinstance(billing, dict):
        return None
    names = ("first_name", "last_name", "address_1", "city", "state", "postcode", "country", "email", "phone")
    return Person(*(str(billing.get(name, "")) for name in names))


def _wishes(call: Call) -> list[Wish]:
    wishes = []
    rows = call.body.get("line_items")
    for row in rows if isinstance(rows, list) else []:
        number = (row.get("variation_id") or row.get("product_id")) if isinstance(row, dict) else None
        product = call.store.product(number) if isinstance(number, int) else None
        if product is None:
            raise bad_request("woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
        quantity = row.get("quantity", 1)
        wishes.append(Wish(product, quantity if isinstance(quantity, int) else 1))
    return wishes


def create_order(call: Call) -> Reply:
    """Creates an order from `line_items`, `status`, `currency`, `customer_id`, `billing`, `set_paid`."""
    body, store = call.body, call.store
    number = body.get("customer_id")
    customer = store.customers.get(number) if isinstance(number, int) else None
    if number and customer is None:
        raise bad_request("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
    status = _status(body) or ("processing" if body.get("set_paid") else "pending")
    order = changes.place_order(
        store,
        _wishes(call),
        status=status,
        currency=str(body["currency"]) if body.get("currency") else None,
        customer=customer,
        person=_person(body) or (None if customer else Person(*[""] * 9)),
        via="rest-api",
        note=str(body.get("customer_note", "")),
    )
    return Reply(order_json(store, order, call.dp), 201, {"Location": f"{call.rest}/orders/{order.id}"})


def update_order(call: Call) -> Reply:
    """Edits status, customer note and billing."""
    order = wanted_order(call)
    note = call.body.get("customer_note")
    changes.edit_order(
        call.store,
        order,
        status=_status(call.body),
        note=None if note is None else str(note),
        person=_person(call.body),
    )
    return Reply(order_json(call.store, order, call.dp))


def delete_order(call: Call) -> Reply:
    """Trashes, or with `force=true` deletes for good; answers with the order."""
    order = wanted_order(call)
    force = call.params.boolean("force")
    call.params.check()
    if force:
        before = order_json(call.store, order, call.dp)
        changes.force_delete(call.store, order)
        return Reply(before)
    if order.status == "trash":
        raise ApiError(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
    changes.trash(call.store, order)
    return Reply(order_json(call.store, order, call.dp))


def _note_json(call: Call, order: Order, place: int) -> Json:
    note, clock = order.notes[place], call.store.clock
    path = f"orders/{order.id}/notes/{note.id}"
    return {
        "id": note.id, "author": "WooCommerce", "date_created": clock.iso(note.created),
        "date_created_gmt": clock.gmt(note.created), "note": note.text, "customer_note": note.customer_note,
        "_links": links(call.rest, path, "GET,DELETE", up=f"orders/{order.id}"),
    }  # fmt: skip


def list_notes(call: Call) -> Reply:
    """The order's notes, all of them."""
    order = wanted_order(call)
    return Reply([_note_json(call, order, place) for place in range(len(order.notes))])


def create_note(call: Call) -> Reply:
    """Adds a note; the order's modification date stays."""
    order = wanted_order(call)
    changes.add_note(
        call.store, order, str(call.body.get("note", "")), to_customer=bool(call.body.get("customer_note"))
    )
    return Reply(_note_json(call, order, len(order.notes) - 1), 201)
