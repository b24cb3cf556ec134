"""Days whose totals changed after they were stated: was, is, and why."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.commerce.restatements import Restated, restated
from portal.dashboard.standing import standing
from portal.foundation.errors import BadRequest
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.csv import csv_answer
from portal.foundation.web.policy import DASHBOARD, route
from portal.foundation.web.requests import parse_query
from portal.stores.connection import list_connections
from portal.tenancy.scope import tenant

blueprint = Blueprint("restatements", __name__)


class RestatementsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`store` is a connection's number, `day` a date; `after` the key of the page before."""

    store: Annotated[str, Meta(pattern=r"^\d{0,18}$")] = ""
    day: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    after: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2}:\d{1,18}:[A-Z]{3})?$")] = ""


@route(blueprint, "/restatements", roles=DASHBOARD, family="page")
async def restatements() -> Response:
    """The log, newest day first, of all stores or one."""
    query = parse_query(RestatementsQuery)
    day = _day(query)
    store = int(query.store) if query.store else None
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        stand = await standing(scope.sql)
        stores = await list_connections(scope)
        rows, after = await restated(scope.sql, store=store, day=day, after=query.after)
    return await page(
        "dashboard/restatements.html",
        partial="dashboard/_restatements.html",
        rows=rows,
        after=after,
        query=query,
        stores=[(each.id, each.name) for each in stores],
        standing=stand,
    )


@route(blueprint, "/restatements.csv", roles=DASHBOARD, family="export")
async def restatements_csv() -> Response:
    """The same as a table, at most ten thousand days; `store` and `day` narrow it."""
    query = parse_query(RestatementsQuery)
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        store = int(query.store) if query.store else None
        rows, _ = await restated(scope.sql, store=store, day=_day(query), limit=_MOST)
    return csv_answer("restatements", _HEADER, [_line(each) for each in rows])


_MOST = 10_000
_HEADER = (
    "day", "store", "currency", "revenue_was", "revenue_is", "orders_was", "orders_is", "why", "times", "last_changed_at",
)  # fmt: skip


def _line(each: Restated) -> tuple[object, ...]:
    return (
        each.day, each.store, each.currency, each.before_revenue, each.after_revenue, each.before_orders, each.after_orders,
        each.why, each.times, each.last_at,
    )  # fmt: skip


def _day(query: RestatementsQuery) -> date | None:
    try:
        if query.after:
            date.fromisoformat(query.after[:10])
        return date.fromisoformat(query.day) if query.day else None
    except ValueError:
        raise BadRequest("That is not a date.") from None
