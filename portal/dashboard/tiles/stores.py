"""Stores: what each one brought today. On the dashboard where there are several."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from portal.commerce import queries
from portal.commerce.store_lists import cents
from portal.connectors.registry import manifest
from portal.dashboard.tile import Element, NoQuery, Reading, Tile
from portal.foundation.errors import PortalError

WHO = 4  # the first fields of a store say which one it is


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    currency: str
    revenue: Decimal


class StoreToday(msgspec.Struct, frozen=True, kw_only=True):
    """One store. `revenue` is in the reporting currency, `own` in those it sold in; null is unknown, never zero.

    `counts`: whether its today is in the totals of all stores; of `earlier` and `later` it counts other days, `shadow` none.
    `known_until` is the last day of a source that ends, a file: of the days after it nothing is known.
    """

    store: int
    name: str
    platform: str
    counts: Literal["today", "shadow", "earlier", "later"]
    orders: int | None
    unconverted_orders: int | None
    revenue: Decimal | None
    own: list[Amount]
    share_pct: Decimal | None
    data_as_of: datetime | None
    known_until: date | None
    reconciled: Literal["even", "healed", "different", "unknown"] | None


class StoresToday(msgspec.Struct, frozen=True, kw_only=True):
    """The body. `revenue` and `orders` are those of the stores that count today."""

    date: date | None
    currency: str | None
    revenue: Decimal | None
    orders: int | None
    stores: list[StoreToday]


async def fetch(connection: Any, query: NoQuery) -> Reading:
    """`v_stores_today` by store; the sums are those of the sales pulse."""
    rows = await queries.stores_today(connection)
    stores = [
        StoreToday(
            store=row["connection_id"],
            own=[Amount(currency=currency, revenue=amount) for currency, amount in row["own"]],
            **{name: row[name] for name in StoreToday.__struct_fields__ if name in row and name != "own"},
        )
        for row in rows
    ]
    counted = [row for row in rows if row["counts"] == "today" and row["exact"] is not None]
    body = StoresToday(
        date=rows[0]["date"] if rows else None,
        currency=rows[0]["reporting_currency"] if rows else None,
        # Of exact amounts: the sum of what is shown may be a cent from the sales pulse.
        revenue=cents(sum((row["exact"] for row in counted), Decimal(0))) if counted else None,
        orders=sum(row["orders"] for row in counted) if counted else None,
        stores=stores,
    )
    return Reading(
        body=body,
        more={"platforms": {each.platform: _label(each.platform) for each in stores}},
        empty=not any(row["holds"] for row in rows),
    )


def _label(platform: str) -> str:
    try:
        return manifest(platform).label
    except (PortalError, KeyError):
        return platform


def csv(body: StoresToday) -> tuple[list[str], list[list[Any]]]:
    """One row per store and currency it sold in. What is of the whole store stands in its first one: columns add up."""
    names = [name for name in StoreToday.__struct_fields__ if name != "own"]
    rows: list[list[Any]] = []
    for each in body.stores:
        sold: list[tuple[str | None, Decimal | None]] = [(own.currency, own.revenue) for own in each.own]
        figures = [getattr(each, name) for name in names]
        further = [*figures[:WHO], *[None] * (len(names) - WHO)]
        rows += [[*(further if place else figures), *own] for place, own in enumerate(sold or [(None, None)])]
    return [*names, "own_currency", "own_revenue"], rows


TILE = Tile(
    slug="stores",
    title="Stores",
    path="/api/v1/dashboard/stores",
    summary="Today's revenue and orders of each store",
    source=("v_stores_today",),
    response=StoresToday,
    fetch=fetch,
    elements=(Element(id="tile-stores", template="dashboard/tiles/_stores.html"),),
    csv=csv,
    behind="/stores",
    of_today=True,
    example={
        "date": "2026-03-14",
        "currency": "USD",
        "revenue": 5234.50,
        "orders": 23,
        "stores": [
            {
                "store": 7,
                "name": "Main store",
                "platform": "woocommerce",
                "counts": "today",
                "orders": 23,
                "unconverted_orders": 0,
                "revenue": 5234.50,
                "own": [{"currency": "EUR", "revenue": 4810.20}],
                "share_pct": 100.0,
                "data_as_of": "2026-03-14T12:00:00Z",
                "known_until": None,
                "reconciled": "even",
            }
        ],
    },
    order=30,
    max_age=300,
    metrics=("total_revenue", "total_orders", "revenue_share_pct"),
    refresh_on=frozenset({"orders", "refunds"}),
    proof_streams=("orders", "refunds"),
)
