"""What a store says of an order beside its money, and of a product beside its quantity: shown, never added to a figure.

Parts of the records (`records`), stored with their row (docs/adr/0019-details-of-orders.md). Texts come from outside, as there.
What the platform does not say of one is None or "".
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One movement of money for an order, in the platform's own lower-case words. Shown, never summed: revenue is made of orders
    and refunds."""

    external_id: str = ""
    kind: str  # sale, authorization, capture, void, refund, ...
    status: str = ""  # success, failure, pending, error, ...
    gateway: str = ""
    reference: str = ""  # the payment provider's own number
    amount: Decimal | None = None  # positive; None: the platform does not say
    currency: str | None = None
    processed_at: datetime | None = None


class Tracking(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One parcel as its carrier knows it. `url` is an http(s) address or ""."""

    carrier: str = ""
    number: str = ""
    url: str = ""


class Shipment(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What was sent at once, in one parcel or several. `status` is the platform's word, lower case."""

    external_id: str = ""
    status: str = ""
    shipped_at: datetime | None = None
    units: Decimal | None = None
    tracking: tuple[Tracking, ...] = ()


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    external_id: str = ""
    order_line_id: str | None = None
    sku: str | None = None
    name: str = ""
    quantity: Decimal | None = None
    reason: str = ""


class Return(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the buyer sends back, or wants to. The money for it is a `Refund`, which may come without one and after it."""

    external_id: str = ""
    number: str = ""
    status: str = ""  # the platform's word, lower case: requested, open, closed, declined, canceled
    requested_at: datetime | None = None
    lines: tuple[ReturnLine, ...] = ()


class StockAt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a product's `quantity` lies at one place."""

    location_id: str
    location_name: str = ""
    quantity: Decimal
