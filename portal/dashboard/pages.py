"""The dashboard and the rows behind its numbers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, redirect

from portal.accounts.gate import principal
from portal.commerce import queries
from portal.dashboard.api import serving
from portal.dashboard.asked import StoreId
from portal.dashboard.registry import tile as tile_by_slug
from portal.dashboard.registry import tiles
from portal.dashboard.standing import standing
from portal.foundation.errors import Missing
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.csv import csv_answer
from portal.foundation.web.policy import DASHBOARD, SIGNED_IN, route
from portal.foundation.web.requests import parse_query
from portal.tenancy import scope

blueprint = Blueprint("dashboard", __name__)

PAGE = 50  # rows of a list


class OrdersQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`day` is today, or a date; `status` a canonical status; `q` matches number, customer and e-mail."""

    day: Annotated[str, Meta(pattern=r"^(today|\d{4}-\d{2}-\d{2})$")] | None = None
    status: (
        Literal[
            "draft",
            "pending",
            "on_hold",
            "processing",
            "completed",
            "cancelled",
            "failed",
            "refunded",
            "trashed",
            "other",
        ]
        | None
    ) = None
    q: Annotated[str, Meta(max_length=100)] | None = None
    after: Annotated[str, Meta(max_length=200)] | None = None
    store: StoreId | None = None


class InventoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`show` narrows to one kind of alert, or `all`; `q` matches SKU and name."""

    show: Literal["alerts", "out_of_stock", "low_stock", "overstock", "all"] = "alerts"
    q: Annotated[str, Meta(max_length=100)] | None = None
    after: Annotated[str, Meta(max_length=200)] | None = None
    store: StoreId | None = None


class StoreQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One store alone, or all that count."""

    store: StoreId | None = None


class CsvQuery(StoreQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`bom=1` for Excel."""

    bom: Literal["0", "1"] = "0"


@route(blueprint, "/", roles=SIGNED_IN, family="page", tenant=False)
async def home() -> Response:
    """Where each role starts."""
    who = principal()
    if who.is_superadmin and who.org_id is None:
        return redirect("/superadmin/clients")  # type: ignore[return-value]
    if who.role not in DASHBOARD:
        return redirect("/account")  # type: ignore[return-value]
    return redirect("/dashboard")  # type: ignore[return-value]


@route(blueprint, "/dashboard", roles=DASHBOARD, family="page")
async def dashboard() -> Response:
    """The strip and the tile grid, each tile drawn on its own."""
    org_id = principal().org
    stand = await serving().standing(org_id, parse_query(StoreQuery).store)
    version, drawn = await serving().dashboard(tiles(), org_id, stand)
    return await page("dashboard/page.html", drawn=drawn, live_seq=version.number, standing=stand)


@route(blueprint, "/dashboard/tiles/<slug>", roles=DASHBOARD, family="page")
async def tile_page(slug: str) -> Response:
    """One tile alone: the HTMX refresh of it, or a page of its own."""
    tile = tile_by_slug(slug)
    stand = await serving().standing(principal().org, parse_query(StoreQuery).store)
    version, drawn = await serving().elements(tile, principal().org, stand)
    return await page(
        "dashboard/tile_page.html",
        partial="dashboard/_tile.html",
        tile=tile,
        drawn=drawn,
        live_seq=version.number,
        standing=stand,
    )


@route(blueprint, "/dashboard/tiles/<slug>.csv", roles=DASHBOARD, family="export")
async def tile_csv(slug: str) -> Response:
    """The numbers of one tile as CSV."""
    tile = tile_by_slug(slug)
    asked = parse_query(CsvQuery)
    found, _ = await serving().reading(tile, principal().org, tile.query(), asked.store)
    return csv_answer(tile.slug, *tile.csv(found.body), bom=asked.bom == "1")


@route(blueprint, "/orders", roles=DASHBOARD, family="page")
async def orders() -> Response:
    """Orders, newest first: the rows behind the revenue."""
    query = parse_query(OrdersQuery)
    async with scope.reading(runtime().database, principal().org, store=query.store) as connection:
        stand = await standing(connection)
        rows, after = await queries.orders_page(
            connection,
            day=query.day,
            status=query.status,
            search=query.q,
            store=query.store,
            after=query.after,
            limit=PAGE,
        )
    return await page(
        "dashboard/orders.html", partial="dashboard/_orders.html", rows=rows, after=after, query=query, standing=stand
    )


@route(blueprint, "/orders/<int:connection_id>/<path:external_id>", roles=DASHBOARD, family="page")
async def order(connection_id: int, external_id: str) -> Response:
    """One order with its lines, refunds, payments, shipments and returns. Platforms may have a slash in their ids."""
    async with scope.reading(runtime().database, principal().org) as connection:
        stand = await standing(connection)
        found = await queries.order_detail(connection, connection_id, external_id.rstrip("/"))
    if found is None:
        raise Missing("There is no such order.")
    return await page("dashboard/order.html", order=found, standing=stand)


@route(blueprint, "/inventory", roles=DASHBOARD, family="page")
async def inventory() -> Response:
    """Stock with its cover: the rows behind the heat map."""
    query = parse_query(InventoryQuery)
    async with scope.reading(runtime().database, principal().org, store=query.store) as connection:
        stand = await standing(connection)
        rows, after = await queries.products_page(
            connection, show=query.show, search=query.q, after=query.after, limit=PAGE
        )
        counts = await queries.inventory_summary(connection)
        places = await queries.stock_at(connection, rows)
    return await page(
        "dashboard/inventory.html",
        partial="dashboard/_inventory.html",
        rows=rows,
        after=after,
        query=query,
        counts=counts,
        places=places,
        standing=stand,
    )
