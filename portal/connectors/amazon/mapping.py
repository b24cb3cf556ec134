"""Payload -> canonical records, pure. Each function gives records or a `Rejected` with its reason, and never raises.

None is what does not concern the connection: orders and transactions of other marketplaces, and orders of other shops that
Amazon only ships. `seen_at` is when the payload was received (aware UTC): the measure of a believable date.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from portal.commerce.records import Fee, Order, Product, Refund
from portal.connectors.amazon import mapping_money, mapping_orders, mapping_reports, mapping_stock
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.listings import SKU
from portal.connectors.amazon.mapping_reports import tells_all
from portal.connectors.amazon.mapping_stock import product_id
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.rows import Row
from portal.connectors.answers import Rejected
from portal.connectors.values import BadValue, text

__all__ = ["offer", "order", "product_id", "reported_order", "stock", "tells_all", "transaction"]
_R = TypeVar("_R")


def order(row: object, account: Account, seen_at: datetime) -> Order | Rejected | None:
    """An order of `searchOrders` or `getOrder`."""
    return _guard("orders", row, "orderId", lambda: mapping_orders.order(row, account, seen_at))


def reported_order(rows: list[Row], account: Account, seen_at: datetime) -> Order | Rejected | None:
    """An order of an order report, from all its rows."""
    return _guard("orders", rows[0], "amazon-order-id", lambda: mapping_reports.order(rows, account, seen_at))


def stock(
    row: object, marketplace: Marketplace, account: Account, seen_at: datetime, price: str | None = None
) -> Product | Rejected | None:
    """What lies at Amazon of one SKU for one marketplace, with its offer's price; None for a summary without a SKU."""
    return _guard(
        "products", row, "sellerSku", lambda: mapping_stock.product(row, marketplace, account, seen_at, price)
    )


def offer(row: Row, marketplace: Marketplace, account: Account, seen_at: datetime) -> Product | Rejected | None:
    """An offer that the seller ships himself, out of the list of offers."""
    return _guard("products", row, SKU, lambda: mapping_stock.offer(row, marketplace, account, seen_at))


def transaction(row: object, account: Account, seen_at: datetime) -> list[Refund | Fee | Rejected]:
    """The refund and the fees that one transaction tells of; none for payments, transfers and other marketplaces."""
    found = _guard("refunds", row, "transactionId", lambda: mapping_money.records(row, account, seen_at))
    return [found] if isinstance(found, Rejected) else [*found]


def _guard(stream: str, row: object, key: str, read: Callable[[], _R]) -> _R | Rejected:
    try:
        return read()
    except BadValue as wrong:
        known = text(row.get(key), 60) if isinstance(row, dict) else ""
        return Rejected(stream=stream, external_id=known, reason=str(wrong)[:300])
