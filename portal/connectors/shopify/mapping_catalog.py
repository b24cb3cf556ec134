"""Products and variants. Raises `BadValue`; `mapping` turns that into a `Rejected`.

Everything sold at Shopify is a variant; a product without options has one that it does not show. So the product holds no
stock and no price of its own, and each variant is a row with both: order lines name variants.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from portal.commerce.details import StockAt
from portal.commerce.records import Product
from portal.connectors.shopify import values
from portal.connectors.shopify.values import Row, inside

_STATUS = {
    "ACTIVE": "published",
    "UNLISTED": "published",  # sold to whoever has the link
    "DRAFT": "draft",
    "ARCHIVED": "private",
}
_UNNAMED = "Default Title"  # the one variant of a product without options


def product(row: object, seen_at: datetime) -> Product:
    """The product itself, naming the variants it has: one that is held and not among them was deleted."""
    source = values.row_of(row, "the product")
    has = [values.number_of(each.get("id")) for each in values.rows(source.get("variants"))]
    return Product(
        external_id=values.required_id(source.get("id")),
        modified_at=values.instant(source.get("updatedAt"), "updatedAt", seen_at),
        kind="variable",
        name=values.text(source.get("title")),
        status=_status(source),
        categories=_categories(source),
        image_url=_image(source),
        created_at=values.instant_or_none(source.get("createdAt"), "createdAt", seen_at),
        # Every product has one at least: none at all is an answer without them.
        variant_ids=tuple(sorted(each for each in has if each)) or None,
    )


def variant(row: object, parent: object, seen_at: datetime) -> Product:
    """A variant of the product row `parent`. `quantity` is None where stock is not tracked; it may be negative."""
    source, owner = values.row_of(row, "the variant"), values.row_of(parent, "the product")
    title = values.text(source.get("title"))
    name = values.text(owner.get("title"))
    price = values.amount(source.get("price"), "price")
    regular = (
        price if source.get("compareAtPrice") is None else values.amount(source["compareAtPrice"], "compareAtPrice")
    )
    item = source.get("inventoryItem")
    tracked = inside(item, "tracked") is True
    places = _places(item) if tracked else None
    quantity = _quantity(source, places) if tracked else None
    sells_on = source.get("inventoryPolicy") == "CONTINUE"
    return Product(
        external_id=values.required_id(source.get("id"), "variant id"),
        modified_at=max(_moments(source, owner, item, seen_at)),
        parent_id=values.required_id(owner.get("id"), "product id"),
        kind="variation",
        sku=values.text(source.get("sku"), 200) or None,
        name=name if title in {"", _UNNAMED} else f"{name} - {title}",
        status=_status(owner),
        price=price,
        regular_price=max(regular, price),
        sale_price=price if regular > price else None,
        stock_tracked=tracked,
        quantity=quantity,
        stock_status=_stock(quantity, sells_on=sells_on),
        backorders="yes" if sells_on else "no",
        stock_at=_stock_at(places),
        categories=_categories(owner),
        image_url=_image(owner),
        created_at=values.instant_or_none(source.get("createdAt"), "createdAt", seen_at),
    )


def _quantity(source: Row, places: Sequence[_Place] | None) -> Decimal | None:
    """What can be sold: the available units of all active locations, else the shop's own sum of them."""
    if places:
        return sum((place.quantity for place in places), Decimal(0))
    given = source.get("inventoryQuantity")
    return None if given is None else values.amount(given, "inventoryQuantity")


class _Place(NamedTuple):
    location: object
    quantity: Decimal


def _places(item: object) -> list[_Place] | None:
    """What is available at each active location; None when not all of them are told."""
    levels = inside(item, "inventoryLevels")
    if not isinstance(levels, dict) or inside(levels, "pageInfo", "hasNextPage") is True:
        return None
    return [
        _Place(level.get("location"), values.amount(each.get("quantity"), "available quantity"))
        for level in values.rows(levels)
        if level.get("isActive") is not False
        for each in values.rows(level.get("quantities"))
        if each.get("name") == "available"
    ]


def _stock_at(places: Sequence[_Place] | None) -> tuple[StockAt, ...] | None:
    """The locations by their ids; None when one of them is not named, for then they would not add up to the quantity."""
    found: dict[int, StockAt] = {}
    for place in places or ():
        known = values.number_of(inside(place.location, "id"))
        if known is None or int(known) in found:
            return None
        name = values.text(inside(place.location, "name"), 200)
        found[int(known)] = StockAt(location_id=known, location_name=name, quantity=place.quantity)
    return tuple(found[known] for known in sorted(found)) or None


def _moments(source: Row, owner: Row, item: object, seen_at: datetime) -> Iterable[datetime]:
    """Stock moves the stamps of its levels, not always the variant's; a variant shares its product's name and status."""
    yield values.instant(source.get("updatedAt"), "variant updatedAt", seen_at)
    yield values.instant(owner.get("updatedAt"), "updatedAt", seen_at)
    for level in values.rows(inside(item, "inventoryLevels")):
        if level.get("updatedAt") is not None:
            yield values.instant(level["updatedAt"], "level updatedAt", seen_at)


def _stock(quantity: Decimal | None, *, sells_on: bool) -> str:
    if quantity is None or quantity > 0:
        return "in_stock"
    return "on_backorder" if sells_on else "out_of_stock"


def _status(source: Row) -> str:
    return _STATUS.get(values.text(source.get("status"), 20), "private")


def _categories(source: Row) -> tuple[str, ...]:
    names = (values.text(source.get("productType"), 200), values.text(inside(source, "category", "name"), 200))
    return tuple(dict.fromkeys(name for name in names if name))


def _image(source: Row) -> str:
    return values.web_address(inside(source, "featuredMedia", "preview", "image", "url"))
