"""Orders API 2026-01-01: `searchOrders` and `getOrder`."""

from __future__ import annotations

from portal.sandbox.amazon import states
from portal.sandbox.amazon.call import Call, Json, iso, sealed
from portal.sandbox.amazon.errors import bad_input, missing
from portal.sandbox.money import text
from portal.sandbox.rows import Line, Order
from portal.sandbox.store import Store

_DAY = 86_400


def search(store: Store, call: Call) -> Json:
    """Orders placed or updated since a moment, oldest change first. The second page of a reading is always empty."""
    token = call.token("paginationToken")
    if token and call.now - int(str(token["made"])) > _DAY:
        raise bad_input("paginationToken is expired.")
    created, updated = call.moment("createdAfter"), call.moment("lastUpdatedAfter")
    if (created is None) == (updated is None):
        raise bad_input("Exactly one of createdAfter and lastUpdatedAfter must be given.")
    by = "created" if updated is None else "modified"
    since = created if updated is None else updated
    until = int(str(token["until"])) if token else call.moment(f"{_PREFIX[by]}Before") or call.now - 120
    size = int(call.query.get("maxResultsPerPage", "100"))
    if not 1 <= size <= 100:
        raise bad_input("maxResultsPerPage must be between 1 and 100.")
    wanted = set(call.several("marketplaceIds"))
    after = (int(str(token["at"])), int(str(token["id"]))) if token else (since or 0, -1)
    found = sorted(
        (getattr(order, by), order.id)
        for order in store.orders.values()
        if getattr(order, by) <= until
        and (getattr(order, by), order.id) > after
        and (not wanted or order.via in wanted)
    )
    answer: Json = {"orders": [], f"{_PREFIX[by]}Before": iso(until)}
    if token and not token["skipped"]:
        answer["pagination"] = {"nextToken": sealed({**token, "skipped": True})}
        return answer
    page = found[:size]
    answer["orders"] = [order_json(store.orders[key], call.several("includedData")) for _, key in page]
    if len(found) > size:
        state: Json = {"at": page[-1][0], "id": page[-1][1], "until": until, "made": call.now}
        answer["pagination"] = {"nextToken": sealed({**state, "skipped": bool(token)})}
    return answer


def one(store: Store, call: Call) -> Json:
    """One order by its id."""
    order = store.orders.get(states.number_of(call.named))
    if order is None or states.number(order) != call.named:
        raise missing("The order was not found.")
    return {"order": order_json(order, call.several("includedData"))}


_PREFIX = {"created": "created", "modified": "lastUpdated"}


def order_json(order: Order, parts: list[str]) -> Json:
    """An order. Amounts only when PROCEEDS is asked for, its state with FULFILLMENT, parcels with PACKAGES, people with BUYER."""
    place = states.place(order)
    row: Json = {
        "orderId": states.number(order),
        "createdTime": iso(order.created),
        "lastUpdatedTime": iso(order.modified),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": place.id, "marketplaceName": place.channel},
        "orderItems": [_item(order, index, parts) for index in range(len(order.lines))],
    }
    if order.note == states.REPLACEMENT:
        row["associatedOrders"] = [
            {"orderId": f"999-0000000-{order.id:07}", "associationType": "REPLACEMENT_ORIGINAL_ID"}
        ]
    if "FULFILLMENT" in parts:
        row["fulfillment"] = {
            "fulfillmentStatus": states.word(order),
            "fulfilledBy": "AMAZON" if states.by_amazon(order) else "MERCHANT",
            "fulfillmentServiceLevel": "STANDARD",
        }
    if "PACKAGES" in parts and (packages := _packages(order)):
        row["packages"] = packages
    if "PROCEEDS" in parts and _has_amounts(order):
        row["proceeds"] = {"grandTotal": _money(order.total, order), "breakdowns": _order_shares(order)}
    if "BUYER" in parts:
        row["buyer"] = {"buyerName": f"{order.person.first_name} {order.person.last_name}".strip()}
    if "RECIPIENT" in parts:
        row["recipient"] = {"deliveryAddress": {"name": order.person.last_name, "city": order.person.city}}
    return row


def _packages(order: Order) -> list[Json]:
    """The parcel of an order that the seller has shipped; of those that Amazon ships it tells none."""
    if states.by_amazon(order) or order.completed is None:
        return []
    items = [
        {"orderItemId": str(order.item_base + index), "quantity": row.quantity} for index, row in enumerate(order.lines)
    ]
    return [
        {
            "packageReferenceId": f"{order.id}",
            "createdTime": iso(order.completed),
            "packageStatus": {"status": "DELIVERED" if order.id % 3 else "IN_TRANSIT"},
            "carrier": "DHL",
            "shipTime": iso(order.completed),
            "trackingNumber": f"00340434{order.id:012}",
            "packageItems": items,
        }
    ]


def item_amounts(order: Order, index: int) -> dict[str, int]:
    """What was paid for one item, in cents: price, discount, tax, and on the first item shipping and gift wrap.

    Where prices contain the tax, so do the amounts here, and `tax` only says how much.
    """
    line, first = order.lines[index], index == 0
    within = line.total_tax if states.amounts_with_tax(order) else 0
    off = line.subtotal - line.total + (line.subtotal_tax - line.total_tax if within else 0)
    shipping, fee = order.shipping if first else None, order.fee if first else None
    return {
        "price": line.total + within + off,
        "off": off,
        "tax": line.total_tax,
        "shipping": shipping.total if shipping else 0,
        "shipping_tax": shipping.tax if shipping else 0,
        "extra": fee.total if fee else 0,
    }


def _has_amounts(order: Order) -> bool:
    return states.is_priced(order) and order.note != states.REPLACEMENT


def _item(order: Order, index: int, parts: list[str]) -> Json:
    line = order.lines[index]
    row: Json = {
        "orderItemId": str(order.item_base + index),
        "quantityOrdered": 0 if order.status == "cancelled" else line.quantity,
        "product": _product(order, line),
    }
    if "PROCEEDS" in parts and _has_amounts(order):
        given = item_amounts(order, index)
        on_top = states.place(order).on_top
        total = given["price"] - given["off"] + given["shipping"] + given["extra"]
        total += given["tax"] + given["shipping_tax"] if on_top else 0
        row["proceeds"] = {"proceedsTotal": _money(total, order), "breakdowns": _item_shares(order, given)}
    return row


def _product(order: Order, line: Line) -> Json:
    row: Json = {"asin": asin(line.product.id), "title": line.product.full_name, "condition": {"conditionType": "NEW"}}
    if not line.product.gone:
        row["sellerSku"] = line.product.sku
    if _has_amounts(order) and line.quantity:
        row["price"] = {"unitPrice": _money(line.product.price, order)}
    return row


def asin(number: int) -> str:
    """Amazon's own number of an article."""
    return f"B0{number:08}"


def _item_shares(order: Order, given: dict[str, int]) -> list[Json]:
    rows: list[Json] = [{"type": "ITEM", "subtotal": _money(given["price"], order)}]
    if given["off"]:
        detail = [{"subtype": "ITEM", "value": _money(-given["off"], order)}]
        rows.append({"type": "DISCOUNT", "subtotal": _money(-given["off"], order), "detailedBreakdowns": detail})
    if given["tax"] or given["shipping_tax"]:
        detail = [{"subtype": "ITEM", "value": _money(given["tax"], order)}]
        if given["shipping_tax"]:
            detail.append({"subtype": "SHIPPING", "value": _money(given["shipping_tax"], order)})
        amount = _money(given["tax"] + given["shipping_tax"], order)
        rows.append({"type": "TAX", "subtotal": amount, "detailedBreakdowns": detail})
    if given["shipping"]:
        rows.append({"type": "SHIPPING", "subtotal": _money(given["shipping"], order)})
    if given["extra"]:
        rows.append({"type": "GIFT_WRAP", "subtotal": _money(given["extra"], order)})
    return rows


def _order_shares(order: Order) -> list[Json]:
    sums: dict[str, int] = {}
    for index in range(len(order.lines)):
        given = item_amounts(order, index)
        for kind, amount in (
            ("ITEM", given["price"]), ("DISCOUNT", -given["off"]), ("TAX", given["tax"] + given["shipping_tax"]),
            ("SHIPPING", given["shipping"]), ("GIFT_WRAP", given["extra"]),
        ):  # fmt: skip
            sums[kind] = sums.get(kind, 0) + amount
    return [{"type": kind, "subtotal": _money(amount, order)} for kind, amount in sums.items() if amount]


def _money(cents: int, order: Order) -> Json:
    return {"amount": text(cents), "currencyCode": order.currency}
