"""`/orders/{id}/refunds` and the store-wide `/refunds`."""

from __future__ import annotations

from portal.sandbox import changes
from portal.sandbox.money import cents_of
from portal.sandbox.rows import Order, Refund, RefundLine
from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.errors import ApiError, bad_request, invalid_id
from portal.sandbox.woocommerce.listing import fields_of, listing, narrowed
from portal.sandbox.woocommerce.order_json import refund_json
from portal.sandbox.woocommerce.orders import wanted_order


def _sorted(call: Call, rows: list[Refund]) -> list[Refund]:
    params, clock = call.params, call.store.clock
    gmt = params.boolean("dates_are_gmt")
    after, before = params.moment("after", clock, gmt), params.moment("before", clock, gmt)
    include = params.ids("include")
    by_id = params.choice("orderby", "date", ("date", "id", "include", "title", "slug", "modified")) == "id"
    descending = params.choice("order", "desc", ("asc", "desc")) == "desc"
    params.check()
    kept = [
        row
        for row in rows
        if (after is None or row.created > after)
        and (before is None or row.created < before)
        and (include is None or row.id in include)
    ]
    kept.sort(key=lambda row: row.id if by_id else (row.created, row.id), reverse=descending)
    return kept


def list_refunds(call: Call) -> Reply:
    """All refunds of the store; refunds of trashed orders too."""
    rows = _sorted(call, list(call.store.refunds.values()))
    return listing(
        call,
        rows,
        lambda row: refund_json(call.store, row, call.dp, with_parent=True),
        link_defaults=(("dp", "2"),),
        zero_past_end=True,
    )


def list_order_refunds(call: Call) -> Reply:
    """The refunds of one order, newest first."""
    rows = _sorted(call, list(wanted_order(call).refunds))
    return listing(call, rows, lambda row: refund_json(call.store, row, call.dp))


def _wanted(call: Call) -> Refund:
    order = wanted_order(call)
    row = call.store.refunds.get(call.numbers[1])
    if row is None or row.order_id != order.id:
        raise ApiError(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")
    return row


def get_refund(call: Call) -> Reply:
    """One refund of an order."""
    return Reply(narrowed(refund_json(call.store, _wanted(call), call.dp), fields_of(call)))


def _lines(call: Call, order: Order) -> list[RefundLine]:
    lines: list[RefundLine] = []
    rows = call.body.get("line_items")
    for row in rows if isinstance(rows, list) else []:
        item = row.get("id") if isinstance(row, dict) else None
        position = item - order.item_base if isinstance(item, int) else -1
        if not 0 <= position < len(order.lines):
            raise invalid_id("shop_order_refund")
        quantity = row.get("quantity", 0)
        try:
            total = cents_of(row.get("refund_total", 0))
        except ValueError as error:
            raise bad_request("rest_invalid_param", "Invalid parameter(s): line_items") from error
        lines.append(RefundLine(position, quantity if isinstance(quantity, int) else 0, total, 0))
    return lines


def create_refund(call: Call) -> Reply:
    """Refunds `amount` (or the sum of `line_items[].refund_total`). More than is left is HTTP 500 with the number
    500 as `data`, exactly as odd as on the real platform."""
    order = wanted_order(call)
    lines = _lines(call, order)
    try:
        amount = cents_of(call.body["amount"]) if "amount" in call.body else sum(line.total for line in lines)
    except ValueError as error:
        raise bad_request("rest_invalid_param", "Invalid parameter(s): amount") from error
    try:
        made = changes.refund(call.store, order, amount, reason=str(call.body.get("reason", "")), lines=lines or None)
    except changes.Refused as refused:
        code = "woocommerce_rest_cannot_create_order_refund"
        raise ApiError(500, code, str(refused), 500) from refused
    headers = {"Location": f"{call.rest}/orders/{order.id}/refunds/{made.id}"}
    return Reply(refund_json(call.store, made, call.dp), 201, headers)


def delete_refund(call: Call) -> Reply:
    """Deletes a refund (`force=true` is required); the order's modification date does not move."""
    row = _wanted(call)
    if not call.params.boolean("force"):
        raise ApiError(501, "woocommerce_rest_trash_not_supported", "Refunds do not support trashing.")
    before = refund_json(call.store, row, call.dp)
    changes.delete_refund(call.store, row)
    return Reply(before)
