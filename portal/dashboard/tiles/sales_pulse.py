"""Tile 1: Sales Pulse. Today's revenue, orders, average order value and fulfilment, against the same day last week."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from portal.commerce import queries
from portal.commerce.restatements import last_restated
from portal.dashboard.tile import Element, NoQuery, Reading, Tile
from portal.foundation.web.filters import money, number, zone


class TopSku(msgspec.Struct, frozen=True, kw_only=True):
    """Revenue and units of one SKU over the trailing 30 local days, today included. Revenue is null where no rate is known for
    any of it."""

    sku: str
    revenue_30d: Decimal | None
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


FIGURES = SalesPulse.__struct_fields__


async def fetch(connection: Any, query: NoQuery) -> Reading:
    """The documented figures of `v_sales_pulse_current`, and no more: hours and fortnights are computed only to be drawn."""
    return _reading(_figures(await queries.sales_pulse(connection, FIGURES)), {})


async def fetch_drawn(connection: Any, query: NoQuery) -> Reading:
    """The whole row; what the body does not document goes to the drawn tile."""
    row = await queries.sales_pulse(connection)
    body = _figures(row)
    missing = row["unconverted_orders"] or row["unconverted_refunds"]
    unconverted = await queries.unconverted_today(connection) if missing else []
    more = {name: value for name, value in row.items() if name not in FIGURES}
    return _reading(body, more | _drawn(row, body.top_5_skus) | {"unconverted": unconverted})


def _figures(row: dict[str, Any]) -> SalesPulse:
    figures = {name: row[name] for name in FIGURES}
    return SalesPulse(top_5_skus=msgspec.convert(figures.pop("top_5_skus"), list[TopSku]), **figures)


def _reading(body: SalesPulse, more: dict[str, Any]) -> Reading:
    return Reading(body=body, more=more, empty=not body.total_orders and not body.top_5_skus)


async def draw(connection: Any, found: Reading) -> dict[str, Any]:
    """The day that was restated last, when that was within the week, and what of the best sellers' 30 days has no rate."""
    return {
        "restated": await last_restated(connection),
        "unconverted_30d": await queries.unconverted_30d(connection),
    }


def _drawn(row: dict[str, Any], skus: list[TopSku]) -> dict[str, Any]:
    """The numbers written out for the chart's table and the ranking."""
    currency = row["reporting_currency"]
    today, last_week = row["today_by_hour"] or (), row["last_week_by_hour"] or ()
    return {
        "hours": [f"{hour:02}" for hour in range(24)],
        "timeless": _is_first_instant(row["known_until"], row["date"], row["timezone"]),
        "today_by_hour": today,
        "last_week_by_hour": last_week,
        "today_texts": [money(value, currency) if value is not None else "" for value in today],
        "last_week_texts": [money(value, currency) if value is not None else "" for value in last_week],
        "top_rows": [
            {
                "label": sku.sku,
                "text": money(sku.revenue_30d, currency, short=True) if sku.revenue_30d is not None else "no rate",
                "value": max(sku.revenue_30d or Decimal(0), Decimal(0)),
                "small": f"{number(sku.units_sold_30d)} sold",
                "href": f"/inventory?show=all&q={quote(sku.sku)}",
            }
            for sku in skus
        ],
    }


def _is_first_instant(moment: datetime | None, day: date, timezone: str) -> bool:
    """Whether what is known of `day` ends where it begins: a file gave its orders no times. In UTC, for some days begin at one."""
    first = datetime.combine(day, time.min, zone(timezone))
    return moment is not None and moment.astimezone(UTC) == first.astimezone(UTC)


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
    fetch_drawn=fetch_drawn,
    draw=draw,
    elements=(
        Element(id="strip", template="dashboard/tiles/_strip.html"),
        Element(id="tile-sales-pulse", template="dashboard/tiles/_sales_pulse.html"),
        # Before refunds (docs/metrics.md), so those need not be compared for it.
        Element(id="tile-top-sellers", template="dashboard/tiles/_top_sellers.html", proof_streams=("orders",)),
    ),
    csv=csv,
    behind="/orders?day=today",
    of_today=True,
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
    proof_streams=("orders", "refunds"),
)
