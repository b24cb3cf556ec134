"""Orders as Shopify shops have them: one currency to sum in, tips instead of fees, test orders; nothing negative or empty."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from portal.sandbox import words
from portal.sandbox.basket import Basket, charge
from portal.sandbox.rows import Charge, Coupon, Line, Order, Person

if TYPE_CHECKING:
    from portal.sandbox.store import Store

TIP = "Trinkgeld"
_TEST = (13, 173)  # the position of a test order in the history, and how often it comes again
_STATES = {"trash": "cancelled", "checkout-draft": "pending"}


class ShopifyBasket(Basket):
    """Fills orders in the shop's currency; what the buyer paid in is kept beside it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._paid_in, self.currencies = self.currencies, [store.spec.currency] * 20

    def fill(self, rng: Random, number: int, created: int) -> Order:
        """An order; every seventh or so was paid in another currency, and a few are tests."""
        order = super().fill(rng, number, created)
        paid_in = self._paid_in[int(rng.random() * 20)]
        order.presentment = "" if paid_in == order.currency else paid_in
        order.test = number % _TEST[1] == _TEST[0]
        return order

    def status(self, word: str) -> str:
        """There is no trash, and a checkout under way is no order."""
        return _STATES.get(word, word)

    def _lines(self, rng: Random, number: int, person: Person, coupon: Coupon | None) -> list[Line]:
        lines = super()._lines(rng, number, person, coupon)
        return lines or super()._lines(rng, 1, person, coupon)

    def _charges(self, rng: Random, number: int, order: Order) -> None:
        if order.coupon is not None and order.coupon.amount >= 10_000:
            return
        if rng.random() < 0.75:
            amount, title = words.SHIPPING[int(rng.random() * 4)]
            free = order.coupon is not None and order.coupon.free_shipping
            order.shipping = charge(title, 0 if free else amount, order.person)
        if rng.random() < 0.1:
            order.fee = Charge(TIP, rng.choice((100, 250, 500)))
