"""How Amazon calls what a row says, and what an order of Amazon has that others have not."""

from __future__ import annotations

from portal.sandbox.amazon.places import PLACES, Place
from portal.sandbox.rows import Order, Product
from portal.sandbox.spec import SandboxStoreSpec

_WORDS = {"pending": "PENDING", "processing": "UNSHIPPED", "completed": "SHIPPED", "refunded": "SHIPPED"}
REPLACEMENT = "replacement"


def word(order: Order) -> str:
    """The `fulfillmentStatus`. A refund does not move it: what was shipped stays shipped."""
    if order.status == "processing" and order.id % 17 == 0:
        return "PARTIALLY_SHIPPED"
    return _WORDS.get(order.status, "CANCELLED")


def is_priced(order: Order) -> bool:
    """Whether the order has amounts: a pending one has none yet, a cancelled one no longer."""
    return order.status in ("processing", "completed", "refunded")


def tidy(order: Order, spec: SandboxStoreSpec) -> None:
    """Brings an order into Amazon's ways: no date of payment, a marketplace, amounts only where it has any."""
    order.paid = None
    if order.via not in PLACES:
        places = [PLACES[each] for each in spec.amazon.marketplaces]
        order.via = next((each for each in places if each.currency == order.currency), places[0]).id
        order.currency = PLACES[order.via].currency
    order.settle()
    if not is_priced(order):
        order.total = order.total_tax = order.cart_tax = order.discount = order.discount_tax = 0


def tidy_product(product: Product) -> None:
    """Every article has a SKU of its own, and nobody can sell more than lies at Amazon."""
    if product.parent is not None and not product.own_sku:
        product.own_sku = f"{product.parent.own_sku}-{product.id}"
    if product.stock is not None and product.stock < 0:
        product.stock = 0


def place(order: Order) -> Place:
    """Where it was bought."""
    return PLACES[order.via]


def number(order: Order) -> str:
    """The order id as Amazon writes it (3-7-7 digits)."""
    first, last = divmod(order.id, 10**7)
    return f"{100 + first:03}-{(order.id * 7_919 + 1_234_567) % 10**7:07}-{last:07}"


def number_of(text: str) -> int:
    """The row's id of an order id; 0 for one that is none."""
    first, _, rest = text.partition("-")
    last = rest.rpartition("-")[2]
    return (int(first) - 100) * 10**7 + int(last) if first.isdigit() and last.isdigit() else 0


def by_amazon(order: Order) -> bool:
    """Whether Amazon ships it (FBA)."""
    return order.with_meta


def amounts_with_tax(order: Order) -> bool:
    """Whether prices of the order's marketplace contain the tax."""
    return not place(order).on_top
