"""What the API's resolvers and the rest of a Shopify store share: the rows, ids, stamps, money, the 60-day window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from portal.sandbox.clock import DAY
from portal.sandbox.money import text
from portal.sandbox.rows import Line, Order, Product, Refund
from portal.sandbox.store import Store

WINDOW = 60 * DAY
VARIANTS, ITEMS = 40_000_000, 50_000_000  # ids of variants and inventory items begin here: each kind counts by itself
_RATES = {"USD": 10_837, "JPY": 1_632_000, "EUR": 9_228}  # ten-thousandths of the shop's unit


class Bag(NamedTuple):
    """An amount in cents with both its currencies."""

    cents: int
    currency: str
    presentment: str


class Item(NamedTuple):
    """A line of an order. `line` None is a custom line without a product, of `custom` cents."""

    order: Order
    place: int
    line: Line | None
    custom: int = 0


class Returned(NamedTuple):
    """A line of a refund."""

    refund: Refund
    place: int
    item: Item
    quantity: int
    total: int
    tax: int


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def stamp(store: Store, moment: int | None) -> str | None:
    """A DateTime, None for None."""
    return None if moment is None else f"{store.clock.gmt(moment)}Z"


def decimal(cents: int) -> str:
    """An amount as the platform writes it: no trailing zeros but one ("12.5", "100.0")."""
    written = text(cents).rstrip("0")
    return written + "0" if written.endswith(".") else written


def presented(bag: Bag) -> str:
    """The amount in the currency the buyer paid in."""
    rate = _RATES.get(bag.presentment, 10_000) if bag.presentment != bag.currency else 10_000
    return decimal((bag.cents * rate + 5_000) // 10_000)


def items(order: Order) -> list[Item]:
    """The lines of an order; what is none of products (an amount typed in) is a custom line."""
    found = [Item(order, place, line) for place, line in enumerate(order.lines)]
    if order.fee is not None and not is_tip(order):
        found.append(Item(order, len(found), None, order.fee.total))
    return found


def is_tip(order: Order) -> bool:
    from portal.sandbox.shopify.basket import TIP

    return order.fee is not None and order.fee.title == TIP


def returned(refund: Refund, order: Order) -> list[Returned]:
    """The lines of a refund."""
    lines = items(order)
    return [
        Returned(refund, place, lines[row.position], row.quantity, row.total, row.tax)
        for place, row in enumerate(refund.lines)
        if row.position < len(lines)
    ]


def sees(store: Store, scopes: frozenset[str], order: Order) -> bool:
    """Whether an app may see an order: without `read_all_orders` only those of the last 60 days."""
    return "read_all_orders" in scopes or order.created >= store.clock.now() - WINDOW


def visible(store: Store, scopes: frozenset[str]) -> Iterable[Order]:
    """The orders that an app may see."""
    if "read_all_orders" in scopes:
        return store.orders.values()
    return [order for order in store.orders.values() if sees(store, scopes, order)]


def variants(product: Product) -> list[Product]:
    """What is sold of a product: its variations, or itself as the one hidden variant."""
    return product.variations or [product]


def variant_of(store: Store, number: int) -> Product | None:
    """The variant with this id."""
    row = store.product(number)
    return None if row is None or row.variations else row


def touched(product: Product) -> int:
    """When a product was modified: selling a variant counts as well."""
    return max([product.modified, *(variation.modified for variation in product.variations)])


LOCATIONS = {70_000_001: "Lager Leipzig", 70_000_002: "Laden Berlin", 70_000_003: "Außenlager Hof"}


def levels(product: Product) -> list[tuple[Product, int, int]]:
    """(variant, location, available) of a variant's stock: two locations share it, of every third product three."""
    stock = product.stock or 0
    second = stock // 3 if stock > 0 else 0
    third = stock // 5 if stock > 0 and product.id % 3 == 0 else 0
    places = zip(LOCATIONS, (stock - second - third, second, third), strict=True)
    return [(product, place, units) for place, units in places if place != 70_000_003 or product.id % 3 == 0]
