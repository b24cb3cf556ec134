"""Products, variants, stock by location, and customers, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.sandbox import words
from portal.sandbox.rows import Customer, Product
from portal.sandbox.shopify.graphql.execute import Context, Resolver, Slice
from portal.sandbox.shopify.listing import sliced
from portal.sandbox.shopify.world import ITEMS, LOCATIONS, VARIANTS, decimal, gid, levels, stamp, touched, variants

Args = Mapping[str, Any]
_CATEGORIES = {number: name for number, name, _ in words.CATEGORIES}


def _variants(context: Context, product: Product, args: Args) -> Slice:
    return sliced(variants(product), args, lambda row: (row.id, row.id))


def _levels(context: Context, row: Product, args: Args) -> Slice:
    return sliced(levels(row) if row.managed else [], args, lambda level: (level[1], level[1]))


def _kind(context: Context, product: Product, args: Args) -> str:
    return _CATEGORIES.get(product.categories[0], "") if product.categories else ""


def _title(context: Context, row: Product, args: Args) -> str:
    return " / ".join(value for _, value in row.options) or "Default Title"


def _compare_at(context: Context, row: Product, args: Args) -> str | None:
    return decimal(row.regular_price) if row.regular_price > row.price else None


def _display(context: Context, row: Customer, args: Args) -> str:
    return f"{row.person.first_name} {row.person.last_name}".strip() or row.person.email


CATALOG: dict[str, dict[str, Resolver]] = {
    "Product": {
        "id": lambda c, p, a: gid("Product", p.id),
        "title": lambda c, p, a: p.name,
        "status": lambda c, p, a: "ACTIVE" if p.status == "publish" else "DRAFT",
        "productType": _kind,
        "createdAt": lambda c, p, a: stamp(c.world, p.created),
        "updatedAt": lambda c, p, a: stamp(c.world, touched(p)),
        "category": lambda c, p, a: None,
        "featuredMedia": lambda c, p, a: None,
        "variants": _variants,
    },
    "TaxonomyCategory": {"name": lambda c, each, a: each},
    "Media": {"preview": lambda c, each, a: each},
    "MediaPreviewImage": {"image": lambda c, each, a: each},
    "Image": {"url": lambda c, each, a: each},
    "ProductVariant": {
        "id": lambda c, v, a: gid("ProductVariant", VARIANTS + v.id),
        "title": _title,
        "sku": lambda c, v, a: v.sku or None,
        "price": lambda c, v, a: decimal(v.price),
        "compareAtPrice": _compare_at,
        "inventoryPolicy": lambda c, v, a: (
            "CONTINUE" if v.backorders != "no" or v.fixed_stock_status == "onbackorder" else "DENY"
        ),
        "inventoryQuantity": lambda c, v, a: v.stock if v.managed else 0,
        "createdAt": lambda c, v, a: stamp(c.world, v.created),
        "updatedAt": lambda c, v, a: stamp(c.world, v.modified),
        "product": lambda c, v, a: v.parent or v,
        "inventoryItem": lambda c, v, a: v,
    },
    "InventoryItem": {
        "id": lambda c, v, a: gid("InventoryItem", ITEMS + v.id),
        "tracked": lambda c, v, a: v.managed,
        "inventoryLevels": _levels,
        "variants": lambda c, v, a: sliced([v], a, lambda row: (row.id, row.id)),
    },
    "InventoryLevel": {
        "id": lambda c, level, a: gid(
            "InventoryLevel", f"{(ITEMS + level[0].id) * 10 + level[1] % 10}?inventory_item_id={ITEMS + level[0].id}"
        ),
        "updatedAt": lambda c, level, a: stamp(c.world, level[0].modified),
        "isActive": lambda c, level, a: True,
        "location": lambda c, level, a: level[1],
        "quantities": lambda c, level, a: [(name, level[2]) for name in a["names"]],
    },
    "Location": {"id": lambda c, place, a: gid("Location", place), "name": lambda c, place, a: LOCATIONS[place]},
    "InventoryQuantity": {"name": lambda c, q, a: q[0], "quantity": lambda c, q, a: q[1]},
    "Customer": {
        "id": lambda c, row, a: gid("Customer", row.id),
        "displayName": _display,
        "firstName": lambda c, row, a: row.person.first_name or None,
        "lastName": lambda c, row, a: row.person.last_name or None,
        "state": lambda c, row, a: "ENABLED" if row.paying else "DISABLED",
        "numberOfOrders": lambda c, row, a: "1" if row.paying else "0",
        "createdAt": lambda c, row, a: stamp(c.world, row.created),
        "updatedAt": lambda c, row, a: stamp(c.world, row.modified),
        "defaultEmailAddress": lambda c, row, a: row.person if row.person.email else None,
        "defaultAddress": lambda c, row, a: row.person,
    },
    "CustomerEmailAddress": {"emailAddress": lambda c, person, a: person.email},
}

PRODUCT_SEARCH = {
    "id": lambda row: row.id,
    "created_at": lambda row: row.created,
    "updated_at": touched,
}
VARIANT_SEARCH = {
    "id": lambda row: VARIANTS + row.id,
    "product_ids": lambda row: row.parent.id if row.parent else row.id,
    "product_id": lambda row: row.parent.id if row.parent else row.id,
    "updated_at": lambda row: row.modified,
    "sku": lambda row: row.sku,
}
CUSTOMER_SEARCH = {
    "id": lambda row: row.id,
    "created_at": lambda row: row.created,
    "updated_at": lambda row: row.modified,
}
