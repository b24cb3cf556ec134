"""Payload -> canonical records, pure. Each function gives a record or a `Rejected` with its reason, and never raises.

`seen_at` is when the payload was received (aware UTC): the measure of a believable date, and the age of rows without one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from portal.commerce.records import Coupon, Customer, Deleted, Order, Product, Refund, TaxRate
from portal.connectors.answers import Rejected
from portal.connectors.values import BadValue, text
from portal.connectors.woocommerce import mapping_catalog, mapping_orders, mapping_people
from portal.connectors.woocommerce.payloads import named

_R = TypeVar("_R")


def order(row: object, seen_at: datetime) -> Order | Rejected | None:
    """An order; None for a draft of the checkout, which is no order yet."""
    return _guard("orders", row, lambda: mapping_orders.order(row, seen_at))


def refund(row: object, seen_at: datetime, order_id: str | None = None) -> Refund | Rejected:
    """A refund of `/refunds`, or of `/orders/{order_id}/refunds`, whose rows do not name their order."""
    return _guard("refunds", row, lambda: mapping_orders.refund(row, seen_at, order_id))


def product(row: object, seen_at: datetime) -> Product | Rejected:
    """A product of `/products`; a variation delivered by webhook is one too."""
    return _guard("products", row, lambda: mapping_catalog.product(row, seen_at))


def variation(row: object, parent: object, seen_at: datetime) -> Product | Rejected:
    """A variation of the product payload `parent`, whose name, categories and (when it says so) stock it shares."""
    return _guard("products", row, lambda: mapping_catalog.variation(row, parent, seen_at))


def customer(row: object, seen_at: datetime) -> Customer | Rejected:
    return _guard("customers", row, lambda: mapping_people.customer(row, seen_at))


def coupon(row: object, seen_at: datetime) -> Coupon | Rejected:
    return _guard("coupons", row, lambda: mapping_catalog.coupon(row, seen_at))


def tax_rate(row: object, seen_at: datetime) -> TaxRate | Rejected:
    return _guard("taxes", row, lambda: mapping_catalog.tax_rate(row, seen_at))


def deleted(of: str, row: object, seen_at: datetime, *, trashed: bool) -> Deleted | Rejected:
    """What a `…deleted` delivery says: only the id of what is gone."""
    return _guard(of, row, lambda: mapping_people.deleted(of, row, seen_at, trashed=trashed))


def _guard(stream: str, row: object, read: Callable[[], _R]) -> _R | Rejected:
    try:
        return read()
    except BadValue as wrong:
        return Rejected(stream=stream, external_id=text(named(row, "id"), 60), reason=str(wrong)[:300])
