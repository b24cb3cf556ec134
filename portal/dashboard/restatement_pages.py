"""Days whose totals changed after they were stated: was, is, and why."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.commerce.restatements import restated
from portal.dashboard.standing import standing
from portal.foundation.errors import BadRequest
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
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
    try:
        day = date.fromisoformat(query.day) if query.day else None
        if query.after:
            date.fromisoformat(query.after[:10])
    except ValueError:
        raise BadRequest("That is not a date.") from None
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
