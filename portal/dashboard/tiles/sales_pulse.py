"""Tile 1: Sales Pulse. Today's revenue, orders, average order value and fulfilment, against the same day last week."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from portal.commerce import queries
from portal.dashboard.tile import Element, NoQuery, Reading, Tile


class TopSku(msgspec.Struct, frozen=True, kw_only=True):
    """Revenue and units of one SKU over the trailing 30 local days, today included."""

    sku: str
    revenue_30d: Decimal
    units_sold_30d: int | Decimal


class SalesPulse(msgspec.Struct, frozen=True, kw_only=True):
    """The documented body. Money in the organization's reporting currency; null is unknown, never zero."""

    date: date
    total_revenue: Decimal | None
    total_orders: int | None
    avg_order_value: Decimal | None
    revenue_vs_last_week_pct: Decimal | None
    orders_vs_last_week_pct: Decimal | None
    fulfillment_rate_pct: Decimal | None
    top_5_skus: list[TopSku]


async def fetch(connection: Any, query: NoQuery) -> Reading:
    """One row of `v_sales_pulse_current`."""
    row = dict(await queries.sales_pulse(connection))
    skus = [TopSku(**sku) for sku in row.pop("top_5_skus")]
    body = SalesPulse(top_5_skus=skus, **{name: row.pop(name) for name in SalesPulse.__struct_fields__ if name in row})
    return Reading(body=body, more=row, empty=not body.total_orders and not skus)


def csv(body: SalesPulse) -> tuple[list[str], list[list[Any]]]:
    """One row of key figures, then one per top SKU."""
    figures = [name for name in SalesPulse.__struct_fields__ if name != "top_5_skus"]
    rows: list[list[Any]] = [["figures", *(getattr(body, name) for name in figures), None, None, None]]
    blank = [None] * len(figures)
    rows += [["top_sku", *blank, sku.sku, sku.revenue_30d, sku.units_sold_30d] for sku in body.top_5_skus]
    return ["row", *figures, "sku", "revenue_30d", "units_sold_30d"], rows


TILE = Tile(
    slug="sales-pulse",
    title="Sales pulse",
    path="/api/v1/dashboard/sales-pulse",
    summary="Real-time sales metrics for the current day and week",
    source=("v_sales_pulse_current",),
    response=SalesPulse,
    fetch=fetch,
    elements=(
        Element(id="strip", template="dashboard/tiles/_strip.html"),
        Element(id="tile-sales-pulse", template="dashboard/tiles/_sales_pulse.html"),
        Element(id="tile-top-sellers", template="dashboard/tiles/_top_sellers.html"),
    ),
    csv=csv,
    behind="/orders?day=today",
    example={
        "date": "2026-03-14",
        "total_revenue": 5234.50,
        "total_orders": 23,
        "avg_order_value": 227.59,
        "revenue_vs_last_week_pct": 12.5,
        "orders_vs_last_week_pct": 8.3,
        "fulfillment_rate_pct": 95.7,
        "top_5_skus": [{"sku": "LAMP-OAK-02", "revenue_30d": 12450.00, "units_sold_30d": 15}],
    },
    order=10,
    max_age=300,
    metrics=(
        "total_revenue",
        "total_orders",
        "avg_order_value",
        "revenue_vs_last_week_pct",
        "orders_vs_last_week_pct",
        "fulfillment_rate_pct",
        "revenue_30d",
        "units_sold_30d",
    ),
    refresh_on=frozenset({"orders", "refunds"}),
)
