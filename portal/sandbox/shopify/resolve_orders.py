"""Orders, their lines, payments, shipments and refunds, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.sandbox.rows import Order, Person, Refund, TaxRate
from portal.sandbox.shopify.graphql.execute import Context, Ref, Resolver, Slice
from portal.sandbox.shopify.listing import sliced
from portal.sandbox.shopify.resolve_details import DETAILS, OF_ORDER
from portal.sandbox.shopify.states import financial, fulfilment
from portal.sandbox.shopify.world import (
    Bag,
    Item,
    Returned,
    decimal,
    gid,
    is_tip,
    items,
    presented,
    returned,
    stamp,
)

Args = Mapping[str, Any]


def _bag(order: Order, cents: int) -> Bag:
    return Bag(cents, order.currency, order.presentment or order.currency)


def _tip(order: Order) -> int:
    return order.fee.total if order.fee is not None and is_tip(order) else 0


def _lines(context: Context, order: Order, args: Args) -> Slice:
    return sliced(items(order), args, lambda item: (item.place, item.place))


def _customer(context: Context, order: Order, args: Args) -> Any:
    return context.world.customers.get(order.customer_id)


def _person(context: Context, order: Order, args: Args) -> Person | None:
    return order.person if order.person.country else None


def _refunds(context: Context, order: Order, args: Args) -> list[tuple[Refund, Order]]:
    return [(each, order) for each in order.refunds][: args.get("first") or None]


def _allocations(context: Context, item: Item, args: Args) -> list[tuple[Item, int]]:
    off = item.line.subtotal - item.line.total if item.line else 0
    return [(item, off)] if off else []


def _application(context: Context, given: tuple[Item, int], args: Args) -> Ref:
    coupon = given[0].order.coupon
    return Ref("DiscountCodeApplication", coupon) if coupon is not None else Ref("AutomaticDiscountApplication", None)


def _taxes(order: Order, rate: TaxRate | None, cents: int) -> list[Bag]:
    return [_bag(order, cents)] if rate is not None else []


def _sku(context: Context, item: Item, args: Args) -> str | None:
    return item.line.product.sku if item.line and not item.line.product.gone else None


def _product(context: Context, item: Item, args: Args) -> Any:
    if item.line is None or item.line.product.gone:
        return None
    return item.line.product.parent or item.line.product


def _variant(context: Context, item: Item, args: Args) -> Any:
    return None if item.line is None or item.line.product.gone else item.line.product


def _codes(context: Context, order: Order, args: Args) -> list[str]:
    return [order.coupon.code] if order.coupon is not None else []


def _cancelled(context: Context, order: Order, args: Args) -> str | None:
    return stamp(context.world, order.modified) if order.status == "cancelled" else None


ORDERS: dict[str, dict[str, Resolver]] = {
    **DETAILS,
    "Order": {
        **OF_ORDER,
        "id": lambda c, o, a: gid("Order", o.id),
        "name": lambda c, o, a: f"#{o.id}",
        "createdAt": lambda c, o, a: stamp(c.world, o.created),
        "processedAt": lambda c, o, a: stamp(c.world, o.created),
        "updatedAt": lambda c, o, a: stamp(c.world, o.modified),
        "cancelledAt": _cancelled,
        "test": lambda c, o, a: o.test,
        "edited": lambda c, o, a: False,
        "taxesIncluded": lambda c, o, a: False,
        "requiresShipping": lambda c, o, a: bool(o.lines),
        "sourceName": lambda c, o, a: {"checkout": "web", "admin": "shopify_draft_order"}.get(o.via, o.via),
        "note": lambda c, o, a: o.note or None,
        "email": lambda c, o, a: o.person.email or None,
        "customer": _customer,
        "displayFinancialStatus": lambda c, o, a: financial(o),
        "displayFulfillmentStatus": lambda c, o, a: fulfilment(o),
        "discountCodes": _codes,
        "paymentGatewayNames": lambda c, o, a: [o.payment[0]] if o.payment[0] else [],
        "totalPriceSet": lambda c, o, a: _bag(o, o.total),
        "currentTotalPriceSet": lambda c, o, a: _bag(o, o.total - o.refunded),
        "totalRefundedSet": lambda c, o, a: _bag(o, o.refunded),
        "totalTaxSet": lambda c, o, a: _bag(o, o.total_tax),
        "totalDiscountsSet": lambda c, o, a: _bag(o, o.discount),
        "totalTipReceivedSet": lambda c, o, a: _bag(o, _tip(o)),
        "originalTotalDutiesSet": lambda c, o, a: None,
        "originalTotalAdditionalFeesSet": lambda c, o, a: None,
        "shippingLine": lambda c, o, a: o if o.shipping is not None else None,
        "refunds": _refunds,
        "billingAddress": _person,
        "shippingAddress": _person,
        "lineItems": _lines,
    },
    "LineItem": {
        "id": lambda c, i, a: gid("LineItem", i.order.item_base + i.place),
        "name": lambda c, i, a: i.line.product.full_name if i.line else i.order.fee.title,
        "sku": _sku,
        "quantity": lambda c, i, a: i.line.quantity if i.line else 1,
        "product": _product,
        "variant": _variant,
        "originalUnitPriceSet": lambda c, i, a: _bag(
            i.order, i.line.subtotal // max(1, i.line.quantity) if i.line else i.custom
        ),
        "originalTotalSet": lambda c, i, a: _bag(i.order, i.line.subtotal if i.line else i.custom),
        "discountAllocations": _allocations,
        "taxLines": lambda c, i, a: _taxes(i.order, i.line.rate, i.line.total_tax) if i.line else [],
    },
    "DiscountAllocation": {
        "allocatedAmountSet": lambda c, given, a: _bag(given[0].order, given[1]),
        "discountApplication": _application,
    },
    "AutomaticDiscountApplication": {"index": lambda c, coupon, a: 0},
    "DiscountCodeApplication": {"index": lambda c, coupon, a: 0, "code": lambda c, coupon, a: coupon.code},
    "TaxLine": {"priceSet": lambda c, bag, a: bag},
    "MoneyBag": {
        "shopMoney": lambda c, bag, a: (decimal(bag.cents), bag.currency),
        "presentmentMoney": lambda c, bag, a: (presented(bag), bag.presentment),
    },
    "MoneyV2": {"amount": lambda c, money, a: money[0], "currencyCode": lambda c, money, a: money[1]},
    "ShippingLine": {
        "title": lambda c, o, a: o.shipping.title,
        "discountedPriceSet": lambda c, o, a: _bag(o, o.shipping.total),
        "taxLines": lambda c, o, a: _taxes(o, o.shipping.rate, o.shipping.tax),
    },
    "MailingAddress": {
        "name": lambda c, p, a: f"{p.first_name} {p.last_name}".strip() or None,
        "city": lambda c, p, a: p.city or None,
        "countryCodeV2": lambda c, p, a: p.country or None,
    },
    "Refund": {
        "id": lambda c, r, a: gid("Refund", r[0].id),
        "createdAt": lambda c, r, a: stamp(c.world, r[0].created),
        "processedAt": lambda c, r, a: stamp(c.world, r[0].created),
        "updatedAt": lambda c, r, a: stamp(c.world, r[0].created),
        "note": lambda c, r, a: r[0].reason or None,
        "totalRefundedSet": lambda c, r, a: _bag(r[1], r[0].amount),
        "refundLineItems": lambda c, r, a: sliced(returned(r[0], r[1]), a, lambda line: (line.place, line.place)),
    },
    "RefundLineItem": {
        "id": lambda c, r, a: _refund_line_id(r),
        "quantity": lambda c, r, a: r.quantity,
        "subtotalSet": lambda c, r, a: _bag(r.item.order, r.total),
        "totalTaxSet": lambda c, r, a: _bag(r.item.order, r.tax),
        "lineItem": lambda c, r, a: r.item,
    },
}


def _refund_line_id(line: Returned) -> str:
    return gid("RefundLineItem", line.refund.item_base + line.place)


def order_key(sort: str) -> Any:
    """The sort key of orders."""
    if sort == "UPDATED_AT":
        return lambda row: (row.modified, row.id)
    if sort in {"CREATED_AT", "PROCESSED_AT"}:
        return lambda row: (row.created, row.id)
    return lambda row: (row.id, row.id)


SEARCH = {
    "id": lambda row: row.id,
    "created_at": lambda row: row.created,
    "updated_at": lambda row: row.modified,
    "processed_at": lambda row: row.created,
    "financial_status": financial,
}
