"""The documented JSON route of every tile, generated from the declarations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from quart import Blueprint, Quart, Response, current_app, request

from portal.accounts.gate import principal
from portal.dashboard.asked import with_store
from portal.dashboard.registry import tiles
from portal.dashboard.serving import Answer, Serving
from portal.dashboard.tile import Tile
from portal.foundation.web.policy import Doc, Policy, route
from portal.foundation.web.requests import parse_query

blueprint = Blueprint("dashboard_api", __name__)


def serving() -> Serving:
    """The serving of the current app."""
    found: Serving = current_app.extensions["dashboard"]
    return found


def policy_of(app: Quart, tile: Tile) -> Policy:
    """The policy that the tile's route declared."""
    declared: Policy = app.view_functions[f"{blueprint.name}.{endpoint_of(tile)}"].__policy__  # type: ignore[union-attr]
    return declared


def endpoint_of(tile: Tile) -> str:
    return tile.slug.replace("-", "_")


def answer_headers(tile: Tile, found: Answer, as_of: datetime | None = None) -> dict[str, str]:
    """How old the answer is, how long it may be kept and by whom, and when its newest data arrived (of one store: `as_of`)."""
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "private, no-cache",  # keep it, but ask with the ETag: it may never lag data that arrived
        "ETag": found.entry.etag,
        "Age": str(int(found.entry.age)),
        "Vary": "Authorization, Cookie, x-org-id",
    }
    if (arrived := as_of or found.version.as_of) is not None:
        headers["X-Data-As-Of"] = arrived.isoformat()
    return headers


def handler(tile: Tile) -> Callable[[], Awaitable[Response]]:
    """The route of one tile: parse, one answer, respond."""
    asked = with_store(tile.query)
    no_query = asked()

    async def answer() -> Response:
        query: Any = parse_query(asked) if request.query_string else no_query
        as_of = None
        if query.store is not None:  # 404 for a store that is not theirs, cached or not
            as_of = (await serving().standing(principal().org, query.store)).last_success_at
        found = await serving().json(tile, principal().org, query)
        etag, headers = found.entry.etag, answer_headers(tile, found, as_of)
        known = request.headers.get("If-None-Match", "")
        if etag in known or known.strip() == "*":
            return Response(b"", 304, headers)
        return Response(found.entry.body, 200, headers)

    return answer


for _tile in tiles():
    route(
        blueprint,
        _tile.path,
        roles=_tile.roles,
        family=_tile.family,
        endpoint=endpoint_of(_tile),
        doc=Doc(
            summary=_tile.title,
            description=f"{_tile.summary}. Source: {', '.join(_tile.source)}. Cache: at most {_tile.max_age // 60} minutes, "
            "never older than the newest committed data.",
            query=with_store(_tile.query),
            response=_tile.response,
            tag="Dashboard tiles",
            example=_tile.example,
        ),
    )(handler(_tile))
