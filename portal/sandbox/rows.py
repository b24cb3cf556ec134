"""The store's rows: compact, mutable, money in cents and time in epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Person(NamedTuple):
    """A name and an address, shared by a customer's orders."""

    first_name: str
    last_name: str
    street: str
    city: str
    state: str
    postcode: str
    country: str
    email: str
    phone: str


class TaxRate(NamedTuple):
    """A tax rate; `basis_points` is 1,900 for 19 %."""

    id: int
    country: str
    state: str
    name: str
    basis_points: int
    tax_class: str


@dataclass(slots=True)
class Product:
    """A product or, with a parent, a variation of one. Only rows with `managed` have a stock quantity."""

    id: int
    kind: str
    name: str
    slug: str
    own_sku: str
    price: int
    created: int
    modified: int
    tax_class: str = ""
    regular_price: int = 0
    categories: tuple[int, ...] = ()
    status: str = "publish"
    managed: bool = False
    stock: int | None = None
    backorders: str = "no"
    fixed_stock_status: str = "instock"
    low_stock: int | None = None
    total_sales: int = 0
    gone: bool = False
    parent: Product | None = None
    options: tuple[tuple[str, str], ...] = ()
    variations: list[Product] = field(default_factory=list)

    @property
    def sku(self) -> str:
        """The SKU the API shows: a variation without one inherits its parent's."""
        return self.own_sku or (self.parent.own_sku if self.parent else "")

    @property
    def full_name(self) -> str:
        """The name as order lines print it: parent, dash, options."""
        if self.parent is None:
            return self.name
        return f"{self.parent.name} - {', '.join(value for _, value in self.options)}"

    @property
    def stock_status(self) -> str:
        """instock, outofstock or onbackorder, from the quantity where stock is managed."""
        if not self.managed or self.stock is None:
            return self.fixed_stock_status
        if self.stock > 0:
            return "instock"
        return "outofstock" if self.backorders == "no" else "onbackorder"


@dataclass(slots=True)
class Customer:
    id: int
    person: Person
    username: str
    created: int
    modified: int
    paying: bool = False


@dataclass(slots=True)
class Coupon:
    id: int
    code: str
    discount_type: str
    amount: int
    free_shipping: bool
    created: int
    used_by: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    product: Product
    quantity: int
    subtotal: int
    total: int
    subtotal_tax: int = 0
    total_tax: int = 0
    rate: TaxRate | None = None


@dataclass(slots=True)
class Charge:
    """Shipping or a fee."""

    title: str
    total: int
    tax: int = 0
    rate: TaxRate | None = None


@dataclass(slots=True)
class RefundLine:
    """How much of an order's line (by its position) a refund takes back; amounts are positive here."""

    position: int
    quantity: int
    total: int
    tax: int


@dataclass(slots=True)
class Refund:
    id: int
    order_id: int
    created: int
    amount: int
    reason: str
    kind: str
    item_base: int
    lines: list[RefundLine] = field(default_factory=list)
    shipping: bool = False


@dataclass(slots=True)
class ReturnedItem:
    """How many of an order's line (by its position) come back, and why."""

    position: int
    quantity: int
    reason: str
    note: str = ""


@dataclass(slots=True)
class Return:
    """What a buyer sends back; the money for it is a refund. `state` is requested, open, closed, declined or canceled."""

    id: int
    order_id: int
    created: int
    state: str
    lines: list[ReturnedItem] = field(default_factory=list)


@dataclass(slots=True)
class Note:
    id: int
    created: int
    text: str
    customer_note: bool = False


@dataclass(slots=True)
class Order:
    """An order. `total` stays gross after refunds, as the platform keeps it."""

    id: int
    status: str
    currency: str
    created: int
    modified: int
    customer_id: int
    person: Person
    item_base: int
    lines: list[Line]
    total: int = 0
    total_tax: int = 0
    cart_tax: int = 0
    discount: int = 0
    discount_tax: int = 0
    paid: int | None = None
    completed: int | None = None
    shipping: Charge | None = None
    fee: Charge | None = None
    coupon: Coupon | None = None
    payment: tuple[str, str] = ("", "")
    via: str = "checkout"
    note: str = ""
    ships_elsewhere: bool = True
    with_meta: bool = False
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    status_before_trash: str = ""
    test: bool = False  # bought with test money: never revenue
    presentment: str = ""  # what the buyer paid in, where the platform sums in the shop's currency; empty: the same

    def settle(self) -> None:
        """Recomputes the totals from lines, shipping, fee: all taxes are added, prices are net."""
        lines = self.lines
        self.discount = sum([line.subtotal - line.total for line in lines])
        self.discount_tax = sum([line.subtotal_tax - line.total_tax for line in lines])
        self.cart_tax = sum([line.total_tax for line in lines])
        total = sum([line.total for line in lines])
        if self.fee:
            self.cart_tax += self.fee.tax
            total += self.fee.total
        self.total_tax = self.cart_tax
        if self.shipping:
            self.total_tax += self.shipping.tax
            total += self.shipping.total
        self.total = total + self.total_tax

    @property
    def refunded(self) -> int:
        """Cents given back so far."""
        return sum([refund.amount for refund in self.refunds])


@dataclass(slots=True)
class Webhook:
    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created: int
    modified: int | None = None
    status: str = "active"
    failures: int = 0
