"""Records counted as the revenue rule counts them, to compare with a store's truth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.commerce.records import Order, OrderStatus, Refund
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from tests.connectors.woocommerce.reading import Run

COUNTED = {OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.ON_HOLD, OrderStatus.REFUNDED}


def revenue(records: dict[str, Any], refunds: dict[str, Any]) -> tuple[int, Decimal, Decimal]:
    """Orders, gross and refunds by the revenue rule."""
    orders = [
        each
        for each in records.values()
        if not each.is_test and (each.status in COUNTED or (each.status is OrderStatus.PENDING and each.paid_at))
    ]
    known = {each.external_id for each in orders}
    back = sum((each.amount for each in refunds.values() if each.order_id in known), Decimal(0))
    return len(orders), sum((each.total for each in orders), Decimal(0)), back


def split(found: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    orders = {each.external_id: each for each in found.records if isinstance(each, Order)}
    return orders, {each.external_id: each for each in found.records if isinstance(each, Refund)}


def true_revenue(shop: Store) -> tuple[int, Decimal, Decimal]:
    rows: Any = truth(shop)["revenue"]
    (row,) = rows
    return row["orders"], Decimal(row["gross"]), Decimal(row["refunds"])
