"""Deterministic goods, customers and coupons: the same seed gives the same catalogue."""

from __future__ import annotations

from random import Random

from portal.sandbox import words
from portal.sandbox.clock import DAY
from portal.sandbox.rows import Coupon, Customer, Person, Product

FIRST_PRODUCT_ID = 11
FIRST_CUSTOMER_ID = 2


def product_count(orders: int) -> int:
    """How many products a store of that many orders has: 24 to 160, about a third of them with variations."""
    return min(160, 24 + orders // 25)


def customer_count(orders: int) -> int:
    """How many registered customers: 20 to 6,000."""
    return min(6_000, 20 + orders // 8)


def slug_of(name: str, number: int) -> str:
    """A plain ASCII slug that no other product has."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return f"{plain.strip('-') or 'artikel'}-{number}"


def make_products(rng: Random, count: int, now: int) -> list[Product]:
    """`count` top-level products (every third variable), ids ascending, variations after their parent.

    Every ninth variable product leaves its variations without a SKU, so that they inherit the parent's and one
    SKU stands for several rows, as shops do.
    """
    products: list[Product] = []
    next_id = FIRST_PRODUCT_ID
    for number in range(count):
        name = f"{rng.choice(words.MANNERS)} {rng.choice(words.GOODS)} {number + 1}"
        price = rng.randrange(290, 9_900)
        created = now - rng.randrange(420, 600) * DAY
        product = Product(
            id=next_id,
            kind="simple",
            name=name,
            slug=slug_of(name, number + 1),
            own_sku=f"KB-{number + 1:04}" + ("/Ö" if number % 11 == 5 else ""),
            price=price,
            regular_price=price + (price // 4 if number % 8 == 3 else 0),
            created=created,
            modified=created + rng.randrange(300, 400) * DAY,
            tax_class="reduced-rate" if number % 4 == 1 else "",
            categories=tuple(sorted({rng.choice(words.CATEGORIES)[0] for _ in range(2)})),
        )
        next_id += 1
        if number % 3 == 2:
            next_id = _add_variations(rng, product, number, next_id)
        elif number % 13 == 6:
            product.fixed_stock_status = "onbackorder"
        else:
            product.managed = number % 10 != 9
        products.append(product)
    return products


def _add_variations(rng: Random, product: Product, number: int, next_id: int) -> int:
    product.kind = "variable"
    sizes = words.SIZES if number % 2 else ("",)
    for colour in words.COLOURS:
        for size in sizes:
            options = (("Farbe", colour),) + ((("Größe", size),) if size else ())
            price = product.price + rng.randrange(0, 900)
            product.variations.append(
                Product(
                    id=next_id,
                    kind="variation",
                    name=", ".join(value for _, value in options),
                    slug=product.slug,
                    own_sku="" if number % 27 == 2 else f"KB-{number + 1:04}-{colour[:2].upper()}{size}",
                    price=price,
                    regular_price=price,
                    created=product.created,
                    modified=product.modified,
                    tax_class=product.tax_class,
                    managed=True,
                    parent=product,
                    options=options,
                )
            )
            next_id += 1
    product.price = min(variation.price for variation in product.variations)
    product.regular_price = 0
    return next_id


def sellables(products: list[Product]) -> list[Product]:
    """What can stand on an order line: simple products and variations."""
    return [row for product in products for row in (product.variations or [product])]


def make_person(rng: Random, mailbox: str) -> Person:
    """A person with an address; every seventh mailbox is written in mixed case with a tag."""
    first_name, last_name = rng.choice(words.NAMES)
    city, state, postcode, country = rng.choice(words.PLACES)
    address = f"{mailbox}@example.test"
    if rng.random() < 0.14:
        address = f"{mailbox.capitalize()}+Shop@Example.TEST"
    street = f"{rng.choice(words.STREETS)} {rng.randrange(1, 120)}"
    phone = f"+49 151 {rng.randrange(1_000_000, 9_999_999)}"
    return Person(first_name, last_name, street, city, state, postcode, country, address, phone)


def make_customers(rng: Random, count: int, now: int) -> list[Customer]:
    """Registered customers, ids ascending."""
    rows = []
    for number in range(count):
        created = now - rng.randrange(1, 420) * DAY - rng.randrange(DAY)
        rows.append(
            Customer(
                id=FIRST_CUSTOMER_ID + number,
                person=make_person(rng, f"kundin{number + 1}"),
                username=f"kundin{number + 1}",
                created=created,
                modified=min(now, created + rng.randrange(30) * DAY),
            )
        )
    return rows


def make_coupons(first_id: int, now: int) -> list[Coupon]:
    """The store's coupons, ids ascending from `first_id`."""
    return [
        Coupon(first_id + number, code, kind, amount, free, now - 410 * DAY + number * 60)
        for number, (code, kind, amount, free) in enumerate(words.COUPONS)
    ]
