"""Products with stock, coupons and tax rates. Raises `BadValue`; `mapping` turns that into a `Rejected`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from portal.commerce.records import Coupon, Product, TaxRate
from portal.connectors import values
from portal.connectors.woocommerce.payloads import (
    Attribute,
    CouponPayload,
    Image,
    Named,
    ProductPayload,
    TaxPayload,
    child,
    children,
    read,
)

# Types that plug-ins add, by what they mean for stock.
_KIND = {
    **{kind: kind for kind in ("simple", "variable", "variation", "grouped", "external", "bundle")},
    "variable-subscription": "variable",
    "subscription_variation": "variation",
    "composite": "bundle",
    "woosb": "bundle",
}
_STATUS = {"publish": "published", "draft": "draft", "private": "private", "pending": "pending", "trash": "trashed"}
_STOCK = {"instock": "in_stock", "outofstock": "out_of_stock", "onbackorder": "on_backorder"}


def product(row: object, seen_at: datetime) -> Product:
    """A product. A `variable` parent holds no stock: its variations do, even when they share the parent's. It names those it has:
    one that is held and not among them was deleted."""
    source = read(ProductPayload, row)
    kind = _KIND.get(values.text(source.type, 60), "simple")
    found = _product(source, kind, seen_at)
    if kind == "variable":
        return msgspec.structs.replace(
            found, stock_tracked=False, quantity=None, variant_ids=_variant_ids(source.variations)
        )
    return found


def variation(row: object, parent: object, seen_at: datetime) -> Product:
    """A variation under its parent's name and categories; with `manage_stock: "parent"` it has the parent's stock."""
    source, owner = read(ProductPayload, row), read(ProductPayload, parent)
    found = _product(source, "variation", seen_at)
    shared = source.manage_stock == "parent"
    quantity, threshold = found.quantity, found.low_stock_threshold
    if shared and quantity is None:
        quantity = values.amount_or(owner.stock_quantity, "stock_quantity")
    if threshold is None:
        threshold = values.amount_or(owner.low_stock_amount, "low_stock_amount")
    option = values.text(source.name, 300) or ", ".join(
        values.text(each.option, 100) for each in children(Attribute, source.attributes)
    )
    family = values.text(owner.name, 400)
    return msgspec.structs.replace(
        found,
        parent_id=(owner_id := values.required_id(owner.id, "parent id")),
        stock_of=owner_id if shared else None,
        name=f"{family} - {option}" if family and option else family or option,
        status="trashed" if owner.status == "trash" else found.status,
        quantity=quantity,
        low_stock_threshold=threshold,
        categories=_categories(owner),
        image_url=found.image_url or _image(owner),
    )


def coupon(row: object, seen_at: datetime) -> Coupon:
    """A coupon; `kind` is WooCommerce's own word for a type that a plug-in added."""
    source = read(CouponPayload, row)
    created_at = values.instant_or_none(source.date_created_gmt, "date_created_gmt", seen_at)
    modified_at = values.instant_or_none(source.date_modified_gmt, "date_modified_gmt", seen_at)
    return Coupon(
        external_id=values.required_id(source.id),
        modified_at=modified_at or created_at or seen_at,
        code=values.text(source.code, 200),
        kind=values.text(source.discount_type, 60) or "fixed_cart",
        amount=values.zero_or(source.amount, "amount"),
        description=values.text(source.description, 2000),
        usage_count=values.count(source.usage_count, "usage_count") or 0,
        usage_limit=values.count(source.usage_limit, "usage_limit"),
        expires_at=_expiry(source.date_expires_gmt),
        free_shipping=values.flag(source.free_shipping),
    )


def tax_rate(row: object, seen_at: datetime) -> TaxRate:
    """A tax rate. The store keeps no date of it, so it is as old as this reading."""
    source = read(TaxPayload, row)
    return TaxRate(
        external_id=values.required_id(source.id),
        modified_at=seen_at,
        country=values.text(source.country, 2).upper(),
        state=values.text(source.state, 100),
        rate_percent=values.amount(source.rate, "rate"),
        name=values.text(source.name, 200),
        tax_class=values.text(source.tax_class, 100),
        priority=values.count(source.priority, "priority") or 1,
        compound=values.flag(source.compound),
        shipping=values.flag(source.shipping),
    )


def _product(source: ProductPayload, kind: str, seen_at: datetime) -> Product:
    """What products and variations have in common. `manage_stock` false leaves the quantity unknown, whatever is sent."""
    tracked = source.manage_stock == "parent" or values.flag(source.manage_stock)
    created_at = values.instant_or_none(source.date_created_gmt, "date_created_gmt", seen_at)
    modified_at = values.instant_or_none(source.date_modified_gmt, "date_modified_gmt", seen_at)
    return Product(
        external_id=values.required_id(source.id),
        modified_at=modified_at or created_at or seen_at,
        parent_id=(parent_id := values.identifier(source.parent_id, "parent_id")),
        stock_of=parent_id if source.manage_stock == "parent" else None,
        kind=kind,
        sku=values.text(source.sku, 200) or None,
        name=values.text(source.name, 500),
        status=_STATUS.get(values.text(source.status, 60), "draft"),
        price=values.amount_or(source.price, "price"),
        regular_price=values.amount_or(source.regular_price, "regular_price"),
        sale_price=values.amount_or(source.sale_price, "sale_price"),
        stock_tracked=tracked,
        quantity=values.amount_or(source.stock_quantity, "stock_quantity") if tracked else None,
        stock_status=_STOCK.get(values.text(source.stock_status, 60), "in_stock"),
        backorders=values.text(source.backorders, 60) if source.backorders in ("no", "notify", "yes") else "no",
        low_stock_threshold=values.amount_or(source.low_stock_amount, "low_stock_amount"),
        categories=_categories(source),
        image_url=_image(source),
        created_at=created_at,
    )


def _variant_ids(given: object) -> tuple[str, ...] | None:
    """The ids in `variations`. None for an empty or odd list: an answer without them must not delete what is held."""
    rows = list(given.values()) if isinstance(given, dict) else given if isinstance(given, list) else []
    try:
        found = {values.required_id(each) for each in rows}
    except values.BadValue:
        return None
    return tuple(sorted(found)) or None


def _categories(source: ProductPayload) -> tuple[str, ...]:
    return tuple(name for each in children(Named, source.categories) if (name := values.text(each.name, 200)))[:50]


def _image(source: ProductPayload) -> str:
    return values.web_address(next(iter(children(Image, source.images)), child(Image, source.image)).src)


def _expiry(value: object) -> datetime | None:
    """An expiry may lie in any year ahead, so only its form is checked."""
    return values.instant_or_none(value, "date_expires_gmt", datetime(9000, 1, 1, tzinfo=UTC))
