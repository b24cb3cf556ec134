"""Answer rows -> canonical records, pure. Each function gives records or `Rejected`s with their reason, and never raises.

`seen_at` is when the row was received (aware UTC): the measure of a believable date, and the age of rows without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from portal.commerce.records import Customer, Deleted, Order, Product, Refund
from portal.connectors.answers import Rejected
from portal.connectors.shopify import mapping_catalog, mapping_orders, mapping_people, mapping_refunds
from portal.connectors.shopify.values import BadValue, inside, number_of, rows, text

_R = TypeVar("_R")


def order(row: object, seen_at: datetime) -> Sequence[Order | Refund | Rejected]:
    """An order and the refunds inside it, each a record of its own."""
    found = _guard("orders", row, lambda: mapping_orders.order(row, seen_at))
    if isinstance(found, Rejected):
        return [found]
    return [found, *(_refund(each, found, seen_at) for each in rows(inside(row, "refunds")))]


def product(row: object, seen_at: datetime) -> Sequence[Product | Rejected]:
    """A product (without stock) and its variants (with it), which are what is sold."""
    found = _guard("products", row, lambda: mapping_catalog.product(row, seen_at))
    if isinstance(found, Rejected):
        return [found]
    return [found, *(_variant(each, row, seen_at) for each in rows(inside(row, "variants")))]


def customer(row: object, seen_at: datetime) -> Sequence[Customer | Rejected]:
    return [_guard("customers", row, lambda: mapping_people.customer(row, seen_at))]


def deleted(of: str, number: str, seen_at: datetime) -> Deleted:
    """What a delivery says that only names what is gone."""
    return Deleted(external_id=number, modified_at=seen_at, of=of)


def _refund(row: object, of: Order, seen_at: datetime) -> Refund | Rejected:
    return _guard("refunds", row, lambda: mapping_refunds.refund(row, of, seen_at))


def _variant(row: object, parent: object, seen_at: datetime) -> Product | Rejected:
    return _guard("products", row, lambda: mapping_catalog.variant(row, parent, seen_at))


def _guard(stream: str, row: object, read: Callable[[], _R]) -> _R | Rejected:
    try:
        return read()
    except BadValue as wrong:
        given = inside(row, "id")
        return Rejected(stream=stream, external_id=number_of(given) or text(given, 60), reason=str(wrong)[:300])
