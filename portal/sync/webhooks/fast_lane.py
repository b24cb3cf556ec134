"""Plain deliveries answered at once: the same checks and the same intake as the route, without a request context.

In a burst nearly every request is a right delivery for a door that is known; what an application framework does around its empty
answer costs more than all of ours together. Anything else (an unknown door, a ping, a test, a signature that does not fit, a
database that is away) goes the whole way, body and all, and is answered by the route in `receiving.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from quart import Quart

from portal.accounts.gate import request_id_for
from portal.accounts.protection import protection_headers
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.runtime import Runtime
from portal.foundation.server import ROUTE
from portal.sync.webhooks.doors import Door, Doors
from portal.sync.webhooks.intake import Intake
from portal.sync.webhooks.receiving import LARGEST_BODY, arrival_of, count, fits
from portal.sync.webhooks.self_test import HEADER

Receive = Callable[[], Awaitable[dict[str, Any]]]
_PREFIX = "/webhooks/"
PATIENCE = 10.0
"""Seconds a body may take here. A slower one goes the whole way, where the framework gives it up (408)."""
_WHOLE_WAY = frozenset({"transfer-encoding", "content-encoding", "expect", HEADER})


def install(app: Quart) -> None:
    """Put the lane before `app`, whose `webhooks_in` blueprint is registered."""
    doors, intake = cast(tuple[Doors, Intake], app.extensions["webhooks"])
    lane = WebhookLane(app.asgi_app, app.extensions["portal"], doors, intake)
    app.asgi_app = lane  # type: ignore[method-assign, assignment]


class WebhookLane:
    """ASGI wrapper around the app."""

    def __init__(self, app: Any, rt: Runtime, doors: Doors, intake: Intake) -> None:
        self._app, self._rt, self._doors, self._intake = app, rt, doors, intake
        self._headers = [(n.lower().encode(), v.encode()) for n, v in protection_headers(rt.settings)]

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        given = {name.decode("latin1").lower(): value.decode("latin1")[:1000] for name, value in scope["headers"]}
        door = self._door(scope["path"], given)
        if door is None:
            await self._app(scope, receive, send)
            return
        body, read = await _body(receive)
        if body is None or not await self._kept(door, given, body):
            await self._app(scope, _again(read, receive), send)
            return
        scope[ROUTE] = "/webhooks/<platform_type>/<public_token>"
        headers = [*self._headers, (b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"0")]
        headers.append((b"x-request-id", request_id_for(given.get("x-request-id", "")).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _door(self, path: str, given: dict[str, str]) -> Door | None:
        """The open door of a plain request, if it is known already."""
        platform_type, _, token = path.removeprefix(_PREFIX).rstrip("/").partition("/")
        length = given.get("content-length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 8 or int(length) > LARGEST_BODY:
            return None
        if not _WHOLE_WAY.isdisjoint(given):
            return None
        door = self._doors.peek(token)
        return door if door is not None and door.open and door.platform == platform_type else None

    async def _kept(self, door: Door, given: dict[str, str], body: bytes) -> bool:
        """Whether it is a right delivery and stored; nothing is counted or said of one that is not."""
        module = webhooks_of(door.platform)
        if module is None or module.is_ping(given, body) or not fits(module, given, body, door):
            return False
        if not module.meant_for(given, door.settings) or not module.topic(given):
            return False
        try:
            new = await self._intake.keep(arrival_of(door, module, given, body, self._rt.clock()))
        except Exception:
            return False  # the route meets the same trouble and words it
        count(door.platform, "stored" if new else "duplicate")
        return True


async def _body(receive: Receive) -> tuple[bytes | None, list[dict[str, Any]]]:
    """The whole body, None when the sender went away, stalls or sends more than it said; and the messages that were read."""
    read: list[dict[str, Any]] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                read.append(message)
                size += len(message.get("body", b""))
                if message["type"] != "http.request" or size > LARGEST_BODY:
                    return None, read
                if not message.get("more_body", False):
                    return b"".join(each.get("body", b"") for each in read), read
    except TimeoutError:
        return None, read


def _again(read: list[dict[str, Any]], receive: Receive) -> Receive:
    """What was read, once more, and then what comes."""
    waiting = iter(read)

    async def receive_again() -> dict[str, Any]:
        for message in waiting:
            return message
        return await receive()

    return receive_again
