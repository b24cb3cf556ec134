"""Cached tiles answered at once: the same gate, limit, cache and headers as the route, without a request context.

Most requests for a tile find it cached. Then what an application framework does around the answer costs more than all of
ours together, so a GET without a query whose principal and answer are both in memory is answered before Quart. Anything
else passes on untouched; `tests/dashboard/test_express.py` holds both ways to the same answer.
"""

from __future__ import annotations

from typing import Any

from portal.accounts.at_once import AtOnce
from portal.dashboard.api import answer_headers
from portal.dashboard.asked import with_store
from portal.dashboard.serving import Serving
from portal.dashboard.tile import Tile
from portal.foundation.server import ROUTE
from portal.foundation.web.policy import Policy


class Express:
    """ASGI wrapper around the app. `lanes` are the tiles by path with the policy of their routes."""

    def __init__(self, app: Any, gate: AtOnce, serving: Serving, lanes: dict[str, tuple[Tile, Policy]]) -> None:
        self._app, self._gate, self._serving = app, gate, serving
        self._lanes = {path: (tile, policy, with_store(tile.query)()) for path, (tile, policy) in lanes.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        lane = self._lanes.get(scope.get("path", ""))
        if lane is None or scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        tile, policy, query = lane
        admitted = self._gate.admit(policy, scope)
        found = self._serving.peek(tile, admitted.principal.org, query) if admitted else None
        headers = await self._gate.count(admitted) if admitted and found else None
        if found is None or headers is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = tile.path
        body = found.entry.body
        ours = [(name.lower().encode(), value.encode()) for name, value in answer_headers(tile, found).items()]
        ours.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": 200, "headers": ours + headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
