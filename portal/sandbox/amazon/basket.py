"""Orders as Amazon sellers have them: always with items, in the currency of their marketplace, without a known buyer."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from portal.sandbox.amazon.places import PLACES, Place
from portal.sandbox.amazon.states import REPLACEMENT
from portal.sandbox.basket import Basket
from portal.sandbox.catalog import make_person
from portal.sandbox.money import share
from portal.sandbox.rows import Charge, Line, Order

if TYPE_CHECKING:
    from portal.sandbox.store import Store

_STATES = {"trash": "cancelled", "checkout-draft": "pending", "on-hold": "pending", "failed": "cancelled"}
_MANY, _FREE = 60, 19


class AmazonBasket(Basket):
    """Fills orders of several marketplaces."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._places = [PLACES[each] for each in store.spec.amazon.marketplaces]

    def fill(self, rng: Random, number: int, created: int) -> Order:
        """An order with items and charges. A few are free replacements, one in a few hundred has sixty items."""
        place = self._places[int(rng.random() ** 1.5 * len(self._places))]
        free = number % 97 == _FREE
        lines = [self._line(rng, place, free=free) for _ in range(self._count(rng, number))]
        order = Order(
            id=self.store.take_id(),
            status="completed",
            currency=place.currency,
            created=created,
            modified=created,
            customer_id=0,
            person=make_person(rng, f"buyer{number}"),
            item_base=self.store.take_items(len(lines) + 2),
            lines=lines,
            payment=("amazon", "Amazon"),
            via=place.id,
            note=REPLACEMENT if free else "",
            with_meta=rng.random() < 0.7,
        )
        if not free and rng.random() < 0.3:
            order.shipping = _shipping(place, rng.choice((399, 499, 799)))
        if not free and rng.random() < 0.05:
            order.fee = Charge("Gift wrap", 350)
        order.settle()
        return order

    def status(self, word: str) -> str:
        """No trash, no drafts, nothing on hold: an order is pending, to be shipped, shipped or cancelled."""
        return _STATES.get(word, word)

    def _count(self, rng: Random, number: int) -> int:
        return _MANY if number % 409 == 9 else 1 + int(rng.random() ** 2 * 4)

    def _line(self, rng: Random, place: Place, *, free: bool) -> Line:
        product = self.goods[int(rng.random() ** 2 * len(self.goods))]
        quantity = 1 + int(rng.random() ** 3 * 4)
        gross = 0 if free else product.price * quantity
        off = share(gross, 1_000) if rng.random() < 0.1 else 0
        if place.on_top:
            tax = share(gross - off, place.tax_points)
            return Line(product, quantity, gross, gross - off, share(gross, place.tax_points), tax)
        tax = _contained(gross - off, place.tax_points)
        before = _contained(gross, place.tax_points)
        return Line(product, quantity, gross - before, gross - off - tax, before, tax)


def _contained(gross: int, points: int) -> int:
    """The tax inside a price."""
    return gross - (gross * 10_000 + (10_000 + points) // 2) // (10_000 + points)


def _shipping(place: Place, amount: int) -> Charge:
    return Charge("Shipping", amount, share(amount, place.tax_points) if place.on_top else 0)
