"""Reads the parameters of a control request and says which field is wrong and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from portal.sandbox.money import cents_of
from portal.sandbox.rows import Customer, Order, Product
from portal.sandbox.store import Store


class BadControl(ValueError):
    """A control request that cannot be carried out: which field, why, and what is allowed."""

    def __init__(self, field: str, message: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(f"{field}: {message}")
        self.body: dict[str, object] = {
            "error": f"{field}: {message}",
            "details": {"field": field, "message": message, "allowed": list(allowed)},
        }


class Asking:
    """The parameters of one request; values from forms are strings, an empty one means "not given"."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = {name: value for name, value in given.items() if value not in (None, "")}

    def only(self, allowed: Iterable[str]) -> None:
        """Raises BadControl for a parameter that the action does not know."""
        known = sorted({*allowed, "store", "action"})
        for name in self._given:
            if name not in known:
                raise BadControl(name, "is not a parameter of this action", known)

    def has(self, name: str) -> bool:
        """Whether a parameter is there and not empty."""
        return name in self._given

    def value(self, name: str) -> object:
        """The value as it came, or None."""
        return self._given.get(name)

    def word(self, name: str, default: str, allowed: Iterable[str]) -> str:
        """One of the allowed words."""
        words, value = tuple(allowed), str(self._given.get(name, default))
        if value not in words:
            raise BadControl(name, f"{value!r} is not allowed", words)
        return value

    def text(self, name: str, default: str = "", limit: int = 10_000) -> str:
        """Free text."""
        value = self._given.get(name, default)
        if not isinstance(value, str) or len(value) > limit:
            raise BadControl(name, f"must be text of at most {limit} characters")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between bounds."""
        value = self._given.get(name, default)
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value.strip(), re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadControl(name, f"must be a whole number between {low} and {high}", (f"{low}..{high}",))
        return value

    def seconds(self, name: str, default: float) -> float:
        """Seconds between 0 and 600."""
        value = self._given.get(name, default)
        try:
            number = float(value) if isinstance(value, int | float | str) else -1.0
        except ValueError:
            number = -1.0
        if isinstance(value, bool) or not 0 <= number <= 600:
            raise BadControl(name, "must be a number of seconds between 0 and 600", ("0..600",))
        return number

    def cents(self, name: str) -> int | None:
        """An amount, None when it is not there."""
        if name not in self._given:
            return None
        try:
            return cents_of(self._given[name])
        except ValueError as error:
            raise BadControl(name, str(error)) from error

    def moment(self, name: str) -> datetime | None:
        """An ISO date-time; without a zone it is UTC."""
        if name not in self._given:
            return None
        try:
            value = datetime.fromisoformat(str(self._given[name]))
        except ValueError as error:
            raise BadControl(name, "must be an ISO date and time such as 2026-01-31T12:00:00Z") from error
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    def currency(self, name: str, default: str) -> str:
        """Three capital letters; whether such a currency exists is not asked."""
        value = str(self._given.get(name, default)).upper()
        if not re.fullmatch("[A-Z]{3}", value):
            raise BadControl(name, "must be three letters such as EUR")
        return value

    def order(self, store: Store) -> Order | None:
        """The order named by `order`, None when none is named. Raises BadControl for an unknown id."""
        if not self.has("order"):
            return None
        order = store.orders.get(self.integer("order", 0, 0, 10**12))
        if order is None:
            raise BadControl("order", "there is no such order")
        return order

    def product(self, store: Store) -> Product | None:
        """The simple product or variation named by `sku` or `product_id`, None when none is named."""
        if self.has("product_id"):
            found = store.product(self.integer("product_id", 0, 0, 10**12))
            if found is None:
                raise BadControl("product_id", "there is no such product")
            return found
        if not self.has("sku"):
            return None
        sku = str(self.value("sku"))
        for row in (*store.sellables(), *store.products.values()):
            if row.sku == sku:
                return row
        raise BadControl("sku", f"no product has the SKU {sku!r}")

    def customer(self, store: Store) -> Customer | None:
        """The customer named by id or e-mail; `guest` or nothing means none."""
        wanted = str(self._given.get("customer", "guest"))
        if wanted == "guest":
            return None
        for row in store.customers.values():
            if wanted in (str(row.id), row.person.email):
                return row
        raise BadControl("customer", "there is no such customer", ("guest", "a customer's id or e-mail"))
