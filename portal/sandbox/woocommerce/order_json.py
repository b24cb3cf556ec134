"""An order and its refunds as the API prints them: money as strings, unit prices as numbers, two clocks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha1

from portal.sandbox.money import number, short, text
from portal.sandbox.rows import Charge, Line, Order, Person, Refund, TaxRate
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.call import links
from portal.sandbox.woocommerce.errors import Json

VERSION = "11.0.1"


def _token(order: Order, salt: str) -> str:
    return sha1(f"{salt}{order.id}:{order.created}".encode(), usedforsecurity=False).hexdigest()


def _address(person: Person, *, billing: bool) -> Json:
    made: Json = {
        "first_name": person.first_name, "last_name": person.last_name, "company": "", "address_1": person.street,
        "address_2": "", "city": person.city, "state": person.state, "postcode": person.postcode,
        "country": person.country,
    }  # fmt: skip
    if billing:
        made["email"] = person.email
    made["phone"] = person.phone if billing else ""
    return made


EMPTY_PERSON = Person("", "", "", "", "", "", "", "", "")


def _taxes(rate: TaxRate | None, total: str, subtotal: str) -> list[Json]:
    return [{"id": rate.id, "total": total, "subtotal": subtotal}] if rate else []


def _meta(number_: int, key: str, value: str, label: str = "", shown: str = "") -> Json:
    return {
        "id": number_, "key": key, "value": value, "display_key": label or key, "display_value": shown or value,
    }  # fmt: skip


def _line(
    line: Line, item: int, dp: int, meta: list[Json], *, amounts: tuple[int, int, int, int], quantity: int
) -> Json:
    product, gone = line.product, line.product.gone
    subtotal, subtotal_tax, total, total_tax = amounts
    varied = product.parent is not None and not gone
    owner = product.parent if product.parent is not None else product
    for place, (name, value) in enumerate(product.options):
        key = "pa_" + name.lower().replace("ö", "oe").replace("ß", "ss")
        meta.insert(place, _meta(item * 10 + place, key, value.lower(), name, value))
    tax, tax_before = text(total_tax, dp), text(subtotal_tax, dp)
    return {
        "id": item, "name": product.full_name, "product_id": 0 if gone else owner.id,
        "variation_id": product.id if varied else 0, "quantity": quantity, "tax_class": product.tax_class,
        "subtotal": text(subtotal, dp), "subtotal_tax": tax_before, "total": text(total, dp), "total_tax": tax,
        "taxes": _taxes(line.rate, tax, tax_before) if total_tax or subtotal_tax else [], "meta_data": meta,
        "sku": None if gone else product.sku, "global_unique_id": None if gone else "",
        "price": number(total, quantity),
        "image": {"id": 0 if varied or gone else "", "src": ""},
        "parent_name": product.parent.name if product.parent is not None and not gone else None,
    }  # fmt: skip


def _shipping(row: Charge, item: int, dp: int, sign: int, meta: list[Json]) -> Json:
    tax = text(sign * row.tax, dp)
    return {
        "id": item, "method_title": row.title, "method_id": "flat_rate" if row.total else "local_pickup",
        "instance_id": "1" if row.total else "", "total": text(sign * row.total, dp), "total_tax": tax,
        "taxes": _taxes(row.rate, tax, ""), "tax_status": "taxable", "meta_data": meta,
    }  # fmt: skip


def _tax_lines(parts: Iterable[tuple[TaxRate | None, int, bool]], item: int, dp: int) -> list[Json]:
    sums: dict[TaxRate, list[int]] = {}
    for rate, tax, is_shipping in parts:
        if rate and tax:
            sums.setdefault(rate, [0, 0])[is_shipping] += tax
    return [
        {
            "id": item + place, "rate_code": f"{rate.country}-{rate.state + '-' if rate.state else ''}"
            f"{rate.name.upper()}-1", "rate_id": rate.id, "label": rate.name, "compound": False,
            "tax_total": text(tax, dp), "shipping_tax_total": text(shipping_tax, dp),
            "rate_percent": number(rate.basis_points, 1), "meta_data": [],
        }
        for place, (rate, (tax, shipping_tax)) in enumerate(sums.items())
    ]  # fmt: skip


def _coupon_lines(order: Order, item: int) -> list[Json]:
    coupon = order.coupon
    if coupon is None:
        return []
    nominal = coupon.amount // 100
    stored = [coupon.id, coupon.code, None if coupon.discount_type == "fixed_cart" else "percent", nominal]
    kept = json.dumps([*stored, True] if coupon.free_shipping else stored, separators=(",", ":"))
    return [
        {
            "id": item, "code": coupon.code, "discount": short(order.discount),
            "discount_tax": short(order.discount_tax), "meta_data": [_meta(item * 10, "coupon_info", kept)],
            "discount_type": coupon.discount_type, "nominal_amount": nominal, "free_shipping": coupon.free_shipping,
        }
    ]  # fmt: skip


def order_json(store: Store, order: Order, dp: int = 2) -> Json:
    """The order as `/orders/{id}` prints it, with `dp` decimals."""
    clock, rest = store.clock, f"{store.site_url}/wp-json/wc/v3"
    item, count = order.item_base, len(order.lines)
    lines = [
        _line(
            line, item + place, dp,
            [_meta((item + place) * 10 + 5, "_reduced_stock", str(line.quantity))] if line.product.managed else [],
            amounts=(line.subtotal, line.subtotal_tax, line.total, line.total_tax), quantity=line.quantity,
        )
        for place, line in enumerate(order.lines)
    ]  # fmt: skip
    parts: list[tuple[TaxRate | None, int, bool]] = [(line.rate, line.total_tax, False) for line in order.lines]
    fees: list[Json] = []
    if order.fee:
        parts.append((order.fee.rate, order.fee.tax, False))
        tax = text(order.fee.tax, dp)
        fees.append({
            "id": item + count + 1, "name": order.fee.title, "tax_class": "",
            "tax_status": "taxable" if order.fee.rate else "none", "amount": "", "total": text(order.fee.total, dp),
            "total_tax": tax, "taxes": _taxes(order.fee.rate, tax, ""), "meta_data": [],
        })  # fmt: skip
    shipping_tax = 0
    if order.shipping:
        shipping_tax = order.shipping.tax
        parts.append((order.shipping.rate, shipping_tax, True))
    key = f"wc_order_{_token(order, 'key')[:13]}"
    own = links(rest, f"orders/{order.id}")
    own["email_templates"] = [{"embeddable": True, "href": f"{rest}/orders/{order.id}/actions/email_templates"}]
    if order.customer_id:
        own["customer"] = [{"href": f"{rest}/customers/{order.customer_id}"}]
    ships_to = order.person if order.ships_elsewhere else EMPTY_PERSON
    completed = order.completed
    return {
        "id": order.id, "parent_id": 0, "status": order.status, "currency": order.currency, "version": VERSION,
        "prices_include_tax": False, "date_created": clock.iso(order.created),
        "date_modified": clock.iso(order.modified), "discount_total": text(order.discount, dp),
        "discount_tax": text(order.discount_tax, dp),
        "shipping_total": text(order.shipping.total if order.shipping else 0, dp),
        "shipping_tax": text(shipping_tax, dp), "cart_tax": text(order.cart_tax, dp),
        "total": text(order.total, dp), "total_tax": text(order.total_tax, dp), "customer_id": order.customer_id,
        "order_key": key, "billing": _address(order.person, billing=True),
        "shipping": _address(ships_to, billing=False), "payment_method": order.payment[0],
        "payment_method_title": order.payment[1],
        "transaction_id": f"ch_{_token(order, 'paid')[:24]}" if order.paid and order.payment[0] == "stripe" else "",
        "customer_ip_address": f"203.0.113.{order.id % 250}", "customer_user_agent": "Mozilla/5.0 (sandbox)",
        "created_via": order.via, "customer_note": order.note,
        "date_completed": None if completed is None else clock.iso(completed),
        "date_paid": None if order.paid is None else clock.iso(order.paid), "cart_hash": "",
        "number": str(order.id), "meta_data": _order_meta(order), "line_items": lines,
        "tax_lines": _tax_lines(parts, item + count + 3, dp),
        "shipping_lines": [_shipping(order.shipping, item + count, dp, 1, [])] if order.shipping else [],
        "fee_lines": fees, "coupon_lines": _coupon_lines(order, item + count + 2),
        "refunds": [_short_refund(order, refund, dp) for refund in reversed(order.refunds)],
        "payment_url": f"{store.site_url}/checkout/order-pay/{order.id}/?pay_for_order=true&key={key}",
        "is_editable": order.status in ("pending", "on-hold"),
        "needs_payment": order.status in ("pending", "failed") and order.total > 0, "needs_processing": bool(lines),
        "date_created_gmt": clock.gmt(order.created), "date_modified_gmt": clock.gmt(order.modified),
        "date_completed_gmt": None if completed is None else clock.gmt(completed),
        "date_paid_gmt": None if order.paid is None else clock.gmt(order.paid),
        "currency_symbol": store.currency_symbol(order.currency), "_links": own,
    }  # fmt: skip


def _order_meta(order: Order) -> list[Json]:
    if not order.with_meta:
        return []
    nested = {"liste": [1, 2.5, None, True], "schlüssel": "🗝️"}
    return [
        {"id": order.id * 2, "key": "wunschtermin", "value": "2026-12-24"},
        {"id": order.id * 2 + 1, "key": "verschachtelt", "value": nested},
    ]


def _refund_tax(order: Order, refund: Refund) -> int:
    tax = sum(line.tax for line in refund.lines)
    if refund.shipping and order.shipping:
        tax += order.shipping.tax
    return tax


def _short_refund(order: Order, refund: Refund, dp: int) -> Json:
    return {
        "id": refund.id, "reason": refund.reason, "total": text(-refund.amount, dp),
        "total_tax": text(-_refund_tax(order, refund), dp),
    }  # fmt: skip


def refund_json(store: Store, refund: Refund, dp: int = 2, *, with_parent: bool = False) -> Json:
    """A refund: its amount is positive, its lines are negative. `with_parent` is the form of `/refunds`."""
    order, clock = store.orders[refund.order_id], store.clock
    lines, parts = [], []
    for place, back in enumerate(refund.lines):
        line = order.lines[back.position]
        taken = _meta((refund.item_base + place) * 10 + 6, "_refunded_item_id", str(order.item_base + back.position))
        amounts = (-back.total, -back.tax, -back.total, -back.tax)
        item = refund.item_base + place
        lines.append(_line(line, item, dp, [taken], amounts=amounts, quantity=-back.quantity))
        parts.append((line.rate, -back.tax, False))
    shipping = []
    last = refund.item_base + len(lines)
    if refund.shipping and order.shipping:
        taken = _meta(last * 10, "_refunded_item_id", str(order.item_base + len(order.lines)))
        shipping.append(_shipping(order.shipping, last, dp, -1, [taken]))
        parts.append((order.shipping.rate, -order.shipping.tax, True))
    rest, path = f"{store.site_url}/wp-json/wc/v3", f"orders/{order.id}/refunds/{refund.id}"
    made: Json = {"id": refund.id}
    if with_parent:
        made["parent_id"] = order.id
    made |= {
        "date_created": clock.iso(refund.created), "date_created_gmt": clock.gmt(refund.created),
        "amount": text(refund.amount, dp), "reason": refund.reason, "refunded_by": 1, "refunded_payment": False,
        "meta_data": [{"id": refund.id * 3, "key": "_refund_type", "value": refund.kind}], "line_items": lines,
        "shipping_lines": shipping, "tax_lines": _tax_lines(parts, last + 1, dp), "fee_lines": [],
        "_links": links(rest, path, "GET,DELETE", up=f"orders/{order.id}"),
    }  # fmt: skip
    return made
