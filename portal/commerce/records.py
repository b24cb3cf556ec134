"""Canonical records: what every connector's mapping produces and the ledger writes.

Pure values. Money is `Decimal` in the record's own `currency`; times are aware UTC; ids are the platform's own, as text.
Texts come from outside: they are plain text (HTML is kept verbatim and escaped where shown, never interpreted).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import msgspec

from portal.commerce.details import Payment, Return, Shipment, StockAt


class OrderStatus(StrEnum):
    """The portal's own order states; the platform's word is kept beside it in `source_status`."""

    DRAFT = "draft"
    PENDING = "pending"  # placed, not paid
    ON_HOLD = "on_hold"
    PROCESSING = "processing"  # paid, to be fulfilled
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REFUNDED = "refunded"
    TRASHED = "trashed"
    OTHER = "other"  # a status added by a plug-in; counts as revenue only when the platform says it is paid


class Fulfilment(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    NOT_REQUIRED = "not_required"  # nothing to ship (virtual, cancelled, without lines)


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all records. `stream` names the stream it belongs to; `modified_at` decides which copy is newer."""

    stream: ClassVar[str] = ""
    external_id: str
    modified_at: datetime


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line. `kind` is item, shipping, fee or coupon; `total` is net of discount, without tax, in the order's currency."""

    external_id: str
    kind: str = "item"
    product_id: str | None = None  # None: the product was deleted at the store
    variation_id: str | None = None
    sku: str | None = None
    name: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    subtotal: Decimal = Decimal(0)  # before discount, without tax
    total: Decimal = Decimal(0)
    total_tax: Decimal = Decimal(0)


class Order(Record, frozen=True, kw_only=True):
    """One order. `total` is gross: with tax, shipping and fees, after discounts, before refunds."""

    stream: ClassVar[str] = "orders"
    number: str
    status: OrderStatus
    source_status: str
    fulfilment: Fulfilment
    currency: str  # ISO 4217, upper case
    total: Decimal
    total_tax: Decimal = Decimal(0)
    discount_total: Decimal = Decimal(0)
    shipping_total: Decimal = Decimal(0)
    fee_total: Decimal = Decimal(0)
    prices_include_tax: bool = False
    created_at: datetime
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    is_test: bool = False
    customer_id: str | None = None  # None: a guest
    customer_name: str = ""
    customer_email: str = ""
    country: str = ""
    payment_method: str = ""
    note: str = ""
    lines: tuple[OrderLine, ...] = ()
    refund_ids: tuple[str, ...] | None = None  # the refunds the platform says belong to it; None: it does not say
    meta: dict[str, str] = {}  # small extra facts worth keeping (created_via, transaction id, ...), text only
    # What its page shows (docs/adr/0019-details-of-orders.md). None: the platform does not say; (): there are none.
    payments: tuple[Payment, ...] | None = None
    shipments: tuple[Shipment, ...] | None = None
    returns: tuple[Return, ...] | None = None


class RefundLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    external_id: str
    order_line_id: str | None = None
    sku: str | None = None
    quantity: Decimal = Decimal(0)  # positive: units given back
    total: Decimal = Decimal(0)  # positive, without tax
    total_tax: Decimal = Decimal(0)


class Refund(Record, frozen=True, kw_only=True):
    """Money given back. `amount` is positive, with tax, in `currency` (the order's; None when the payload does not say)."""

    stream: ClassVar[str] = "refunds"
    order_id: str
    amount: Decimal
    currency: str | None = None
    refunded_at: datetime
    reason: str = ""
    lines: tuple[RefundLine, ...] = ()


class Product(Record, frozen=True, kw_only=True):
    """A sellable thing with its stock: a simple product, or one variation (`parent_id` set). `variable` parents hold no stock."""

    stream: ClassVar[str] = "products"
    parent_id: str | None = None
    kind: str = "simple"  # simple, variable, variation, grouped, external, bundle
    sku: str | None = None
    name: str
    status: str = "published"  # published, draft, private, pending, trashed
    price: Decimal | None = None
    regular_price: Decimal | None = None
    sale_price: Decimal | None = None
    stock_tracked: bool = False
    quantity: Decimal | None = None  # None: not tracked, so unknown; never an invented zero
    stock_status: str = "in_stock"  # in_stock, out_of_stock, on_backorder
    backorders: str = "no"  # no, notify, yes
    stock_of: str | None = None  # the product whose stock this one shares; None: its own
    low_stock_threshold: Decimal | None = None
    stock_at: tuple[StockAt, ...] | None = None  # `quantity` by location; None: the platform does not say where it lies
    categories: tuple[str, ...] = ()
    image_url: str = ""
    created_at: datetime | None = None
    # The variations the platform says belong to it: those held beyond them are gone. None: it does not say. Not stored.
    variant_ids: tuple[str, ...] | None = None


class Customer(Record, frozen=True, kw_only=True):
    stream: ClassVar[str] = "customers"
    email: str = ""
    name: str = ""
    username: str = ""
    role: str = ""
    country: str = ""
    city: str = ""
    is_paying: bool = False
    created_at: datetime | None = None


class Coupon(Record, frozen=True, kw_only=True):
    stream: ClassVar[str] = "coupons"
    code: str
    kind: str  # percent, fixed_cart, fixed_product
    amount: Decimal
    description: str = ""
    usage_count: int = 0
    usage_limit: int | None = None
    expires_at: datetime | None = None
    free_shipping: bool = False


class TaxRate(Record, frozen=True, kw_only=True):
    stream: ClassVar[str] = "taxes"
    country: str = ""
    state: str = ""
    rate_percent: Decimal
    name: str = ""
    tax_class: str = ""
    priority: int = 1
    compound: bool = False
    shipping: bool = False


class Fee(Record, frozen=True, kw_only=True):
    """What the platform charged for a sale (or for the account): not part of revenue. `amount` is positive when charged,
    negative when given back, in `currency`."""

    stream: ClassVar[str] = "fees"
    order_id: str | None = None  # None: of the account, not of one order
    kind: str  # the platform's word
    amount: Decimal
    currency: str
    charged_at: datetime


class Deleted(Record, frozen=True, kw_only=True):
    """The platform says this object is gone (trashed or deleted). `stream` of the object is in `of`."""

    stream: ClassVar[str] = "deletions"
    of: str
    trashed: bool = False


AnyRecord = Order | Refund | Product | Customer | Coupon | TaxRate | Fee | Deleted
