"""The bodies of deliveries: shaped like the old REST API, with plain numbers for ids."""

from __future__ import annotations

from typing import Any

from portal.sandbox.money import text
from portal.sandbox.rows import Customer, Order, Product
from portal.sandbox.shopify.returns import RETURNS
from portal.sandbox.shopify.states import financial, fulfilment
from portal.sandbox.shopify.world import ITEMS, VARIANTS, gid, items, levels, stamp, touched, variants
from portal.sandbox.store import Store

Json = dict[str, Any]


def order_body(store: Store, order: Order) -> Json:
    """An order. It tells neither when it was paid nor the payments."""
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "name": f"#{order.id}",
        "email": order.person.email,
        "created_at": stamp(store, order.created),
        "processed_at": stamp(store, order.created),
        "updated_at": stamp(store, order.modified),
        "cancelled_at": stamp(store, order.modified) if order.status == "cancelled" else None,
        "currency": order.currency,
        "presentment_currency": order.presentment or order.currency,
        "financial_status": financial(order).lower(),
        "fulfillment_status": "fulfilled" if fulfilment(order) == "FULFILLED" else None,
        "test": order.test,
        "total_price": text(order.total),
        "total_tax": text(order.total_tax),
        "total_discounts": text(order.discount),
        "customer": {"id": order.customer_id} if order.customer_id else None,
        "line_items": [
            {
                "id": order.item_base + item.place,
                "quantity": item.line.quantity if item.line else 1,
                "sku": item.line.product.sku if item.line else None,
            }
            for item in items(order)
        ],
        "refunds": [
            {"id": each.id, "order_id": order.id, "created_at": stamp(store, each.created)} for each in order.refunds
        ],
    }


def refund_body(store: Store, order: Order) -> Json:
    """The newest refund of an order."""
    refund = order.refunds[-1]
    return {
        "id": refund.id,
        "order_id": order.id,
        "created_at": stamp(store, refund.created),
        "note": refund.reason,
        "transactions": [{"kind": "refund", "status": "success", "amount": text(refund.amount)}],
    }


def fulfillment_body(store: Store, order: Order) -> Json:
    """The shipment of an order."""
    return {"id": order.id, "order_id": order.id, "status": "success", "created_at": stamp(store, order.completed)}


def return_body(store: Store, order: Order) -> Json:
    """The newest return of an order, which it names as an object."""
    row = store.returns[order.id][-1]
    return {
        "id": RETURNS + row.id,
        "admin_graphql_api_id": gid("Return", RETURNS + row.id),
        "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
        "status": row.state,
        "total_return_line_items": len(row.lines),
    }


def product_body(store: Store, product: Product) -> Json:
    """A product with its variants."""
    return {
        "id": product.id,
        "admin_graphql_api_id": gid("Product", product.id),
        "title": product.name,
        "status": "active",
        "updated_at": stamp(store, touched(product)),
        "variants": [
            {
                "id": VARIANTS + each.id,
                "sku": each.sku,
                "price": text(each.price),
                "inventory_item_id": ITEMS + each.id,
                "inventory_quantity": each.stock or 0,
            }
            for each in variants(product)
        ],
    }


def level_body(store: Store, variant: Product) -> Json:
    """The stock of a variant at its first location: nothing in it names the product."""
    _, location, available = levels(variant)[0]
    return {
        "inventory_item_id": ITEMS + variant.id,
        "location_id": location,
        "available": available,
        "updated_at": stamp(store, variant.modified),
    }


def customer_body(store: Store, customer: Customer) -> Json:
    """A customer."""
    return {
        "id": customer.id,
        "email": customer.person.email,
        "first_name": customer.person.first_name,
        "last_name": customer.person.last_name,
        "updated_at": stamp(store, customer.modified),
    }
