"""Tile 2: Inventory Heatmap. What is out, low or overstocked, and how many days the stock lasts."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from portal.commerce import queries
from portal.dashboard.tile import Element, Reading, Tile

DRAWN = 196  # the most cells of the heat map
LEVELS = ("out", "critical", "low", "covered", "ample", "over")  # least covered first

Severity = Literal["critical", "high", "medium", "low"]


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`severity` keeps one severity; `limit` is the most alerts listed. The summary always counts all of them."""

    severity: Severity | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One stock-keeping unit that needs attention. `days_of_cover` is null when nothing was sold in 30 days."""

    sku: str | None
    product_name: str
    alert_type: Literal["out_of_stock", "low_stock", "overstock"]
    alert_severity: Severity
    quantity_available: int | float | None
    days_of_cover: int | None
    reorder_point: int | None
    units_sold_30d: int | float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    critical_alerts: int | None
    high_alerts: int | None
    total_alerts: int | None


class InventoryAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """The documented body, most severe first."""

    alerts: list[Alert]
    summary: Summary


async def fetch(connection: Any, query: Query) -> Reading:
    """Rows of `v_inventory_alerts`, their counts, and the heat map's cells for the page."""
    rows = await queries.inventory_alerts(connection, query.severity, query.limit)
    counts = dict(await queries.inventory_summary(connection))
    alerts = [Alert(**{name: row[name] for name in Alert.__struct_fields__}) for row in rows]
    summary = Summary(**{name: counts.get(name) for name in Summary.__struct_fields__})
    body = InventoryAlerts(alerts=alerts, summary=summary)
    return Reading(body=body, more={"counts": counts}, empty=not counts.get("items"))


async def draw(connection: Any, found: Reading) -> dict[str, Any]:
    """The heat map's cells from the least covered to the overstocked, and how many more items there are."""
    counts = found.more["counts"]
    shown = _shared(await queries.inventory_heat(connection))
    return {
        "heat_cells": [
            {
                "level": cell["cover_bucket"],
                "label": cell["sku"] or cell["product_name"],
                "text": _cover(cell),
                "href": f"/inventory?show=all&q={quote(cell['sku'] or cell['product_name'])}",
            }
            for cell in shown
        ],
        "hidden_cells": max(0, (counts.get("items") or 0) - (counts.get("untracked_items") or 0) - len(shown)),
    }


def _shared(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each level has places in proportion to its items (the most urgent of it), so that the colours tell the whole stock."""
    share = min(1.0, DRAWN / max(1, len(cells)))
    levels = [[cell for cell in cells if cell["cover_bucket"] == level] for level in LEVELS]
    return [cell for level in levels for cell in level[: max(1, int(len(level) * share))]][:DRAWN]


def _cover(cell: dict[str, Any]) -> str:
    if cell["cover_bucket"] == "out":
        return "out of stock"
    days = cell["days_of_cover"]
    if days is None:
        return "nothing sold in 30 days"
    return f"{days} {'day' if days == 1 else 'days'} of cover"


def csv(body: InventoryAlerts) -> tuple[list[str], list[list[Any]]]:
    """One row per alert."""
    names = list(Alert.__struct_fields__)
    return names, [[getattr(alert, name) for name in names] for alert in body.alerts]


TILE = Tile(
    slug="inventory-alerts",
    title="Inventory heatmap",
    path="/api/v1/dashboard/inventory-alerts",
    summary="Current inventory alerts: low stock, out of stock, overstock",
    source=("v_inventory_alerts",),
    response=InventoryAlerts,
    query=Query,
    fetch=fetch,
    draw=draw,
    elements=(
        Element(id="tile-inventory-alerts", template="dashboard/tiles/_inventory_alerts.html"),
        Element(id="tile-stock-alerts", template="dashboard/tiles/_stock_alerts.html"),
    ),
    csv=csv,
    behind="/inventory",
    example={
        "alerts": [
            {
                "sku": "LAMP-OAK-02",
                "product_name": "Oak table lamp",
                "alert_type": "low_stock",
                "alert_severity": "high",
                "quantity_available": 3,
                "days_of_cover": 5,
                "reorder_point": 10,
                "units_sold_30d": 18,
            }
        ],
        "summary": {"critical_alerts": 5, "high_alerts": 12, "total_alerts": 23},
    },
    order=20,
    max_age=900,
    metrics=("days_of_cover", "reorder_point", "units_sold_30d", "alert_severity"),
    refresh_on=frozenset({"orders", "refunds", "products"}),
    proof_streams=("products",),
)
