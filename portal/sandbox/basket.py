"""Fills one order of the history: who, what, in which currency, with which of the oddities."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from portal.sandbox import words
from portal.sandbox.catalog import make_person
from portal.sandbox.money import share
from portal.sandbox.rows import Charge, Coupon, Line, Order, Person, Product

if TYPE_CHECKING:
    from portal.sandbox.store import Store

# Positions in the history that carry an oddity, so that even a store of twenty orders has each of them;
# the second number repeats it in large stores.
NO_LINES, FREE, NEGATIVE, MANY_LINES, DELETED = (3, 997), (5, 211), (7, 641), (9, 1_409), (11, 89)


def _due(number: int, oddity: tuple[int, int]) -> bool:
    return number % oddity[1] == oddity[0]


class Basket:
    """Makes orders for a store; one instance holds the choices that all orders share."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.goods = store.sellables()
        self.customers = list(store.customers.values())
        self.coupons = list(store.coupons.values())
        main = store.spec.currency
        second = "USD" if main != "USD" else "EUR"
        self.currencies = [main] * 17 + [second] * 2 + ["JPY" if main != "JPY" else "EUR"]

    def fill(self, rng: Random, number: int, created: int) -> Order:
        """An order with lines, charges, taxes and totals; status and later dates are the caller's."""
        store, draw = self.store, rng.random
        person, customer_id = self._buyer(rng, number)
        coupon = self.coupons[int(draw() * len(self.coupons))] if draw() < 0.12 else None
        if _due(number, FREE):
            coupon = self.coupons[3]
        lines = self._lines(rng, number, person, coupon)
        order = Order(
            id=store.take_id(),
            status="completed",
            currency=self.currencies[int(draw() * 20)],
            created=created,
            modified=created,
            customer_id=customer_id,
            person=person,
            item_base=store.take_items(len(lines) + 8),
            lines=lines,
            coupon=coupon if lines else None,
            payment=words.PAYMENTS[int(draw() * 5)],
            via=words.CHANNELS[int(draw() * 6)],
            note=words.NOTES[int(draw() * 10)],
            ships_elsewhere=draw() < 0.8,
            with_meta=draw() < 0.1,
        )
        self._charges(rng, number, order)
        if order.coupon:
            order.coupon.used_by.append(str(customer_id) if customer_id else person.email)
        order.settle()
        return order

    def status(self, word: str) -> str:
        """The state an order of the history has; a platform may not know all of them."""
        return word

    def _buyer(self, rng: Random, number: int) -> tuple[Person, int]:
        if not self.customers or rng.random() < 0.25:
            return make_person(rng, f"gast{number}"), 0
        customer = self.customers[int(rng.random() ** 1.6 * len(self.customers))]
        customer.paying = True
        return customer.person, customer.id

    def _lines(self, rng: Random, number: int, person: Person, coupon: Coupon | None) -> list[Line]:
        if _due(number, NO_LINES) or _due(number, NEGATIVE):
            return []
        draw = rng.random
        count = 60 if _due(number, MANY_LINES) else 1 + int(draw() * draw() * 5)
        lines = []
        for place in range(count):
            if place == 0 and _due(number, DELETED):
                product = self.store.deleted_products[number % len(self.store.deleted_products)]
            else:
                product = self.goods[int(draw() ** 2 * len(self.goods))]
            lines.append(priced_line(product, 1 + int(draw() ** 3 * 5), person, coupon))
        if coupon and coupon.discount_type == "fixed_cart" and coupon.amount:
            _take_off(lines[0], min(coupon.amount, lines[0].subtotal))
        return lines

    def _charges(self, rng: Random, number: int, order: Order) -> None:
        if _due(number, FREE):
            return
        if _due(number, NEGATIVE):
            order.fee = Charge("Gutschrift", -1_500)
            return
        if not order.lines:
            return
        if rng.random() < 0.75:
            amount, title = words.SHIPPING[int(rng.random() * 4)]
            order.shipping = charge(title, 0 if order.coupon and order.coupon.free_shipping else amount, order.person)
        if rng.random() < 0.1:
            amount, title = rng.choice(((390, "Geschenkpapier 🎀"), (-300, "Treuerabatt"), (250, "Nachnahme")))
            order.fee = charge(title, amount, order.person)


def charge(title: str, amount: int, person: Person) -> Charge:
    """Shipping or a fee, taxed at the address's standard rate."""
    rate = words.rate_for(person.country, person.state, "")
    return Charge(title, amount, share(amount, rate.basis_points) if rate else 0, rate)


def priced_line(product: Product, quantity: int, person: Person, coupon: Coupon | None = None) -> Line:
    """A line at the product's price, taxed at the address's rate, with a percent coupon taken off."""
    subtotal = product.price * quantity
    rate = words.rate_for(person.country, person.state, product.tax_class)
    line = Line(product, quantity, subtotal, subtotal, rate=rate)
    if rate:
        line.subtotal_tax = line.total_tax = share(subtotal, rate.basis_points)
    if coupon and coupon.discount_type == "percent":
        _take_off(line, share(subtotal, coupon.amount))
    return line


def _take_off(line: Line, discount: int) -> None:
    line.total = line.subtotal - discount
    line.total_tax = share(line.total, line.rate.basis_points) if line.rate else 0
