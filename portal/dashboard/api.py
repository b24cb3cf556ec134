"""The documented JSON route of every tile, generated from the declarations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from quart import Blueprint, Response, current_app, request

from portal.accounts.gate import principal
from portal.dashboard.registry import tiles
from portal.dashboard.serving import Serving
from portal.dashboard.tile import Tile
from portal.foundation.web.policy import Doc, route
from portal.foundation.web.requests import parse_query

blueprint = Blueprint("dashboard_api", __name__)


def serving() -> Serving:
    """The serving of the current app."""
    found: Serving = current_app.extensions["dashboard"]
    return found


def handler(tile: Tile) -> Callable[[], Awaitable[Response]]:
    """The route of one tile: parse, one answer, respond."""
    no_query = tile.query() if not tile.query.__struct_fields__ else None

    async def answer() -> Response:
        query: Any = no_query if no_query is not None and not request.query_string else parse_query(tile.query)
        found = await serving().json(tile, principal().org, query)
        etag = found.entry.etag
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": f"private, max-age={tile.max_age}, must-revalidate",
            "ETag": etag,
            "Age": str(int(found.entry.age)),
            "Vary": "Authorization, Cookie, x-org-id",
        }
        if found.version.as_of is not None:
            headers["X-Data-As-Of"] = found.version.as_of.isoformat()
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
        endpoint=_tile.slug.replace("-", "_"),
        doc=Doc(
            summary=_tile.title,
            description=f"{_tile.summary}. Source: {', '.join(_tile.source)}. Cache: at most {_tile.max_age // 60} minutes, "
            "never older than the newest committed data.",
            query=_tile.query if _tile.query.__struct_fields__ else None,
            response=_tile.response,
            tag="Dashboard tiles",
            example=_tile.example,
        ),
    )(handler(_tile))
