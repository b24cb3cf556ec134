"""`/ws/dashboard` pushes; `/dashboard/live` is the same for a page whose socket is down."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, current_app, websocket

from portal.accounts.gate import principal
from portal.dashboard.api import serving
from portal.dashboard.asked import StoreId
from portal.dashboard.hub import HEARTBEAT, Hub
from portal.dashboard.socket import LAGGED, Socket, message
from portal.foundation.database import AWAY
from portal.foundation.errors import Missing, PortalError
from portal.foundation.runtime import runtime
from portal.foundation.web import policy
from portal.foundation.web.answers import json_answer
from portal.foundation.web.policy import DASHBOARD, route
from portal.foundation.web.requests import parse_query
from portal.foundation.wire import wire_of

blueprint = Blueprint("dashboard_live", __name__)

_NUMBER = re.compile(r"[0-9]{1,18}")
SEND_TIMEOUT = 10.0  # seconds a client may keep one message waiting


class Since(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last sequence number the page saw, and the one store it looks at."""

    since: Annotated[int, Meta(ge=0)] = 0
    store: StoreId | None = None


def hub() -> Hub:
    found: Hub = current_app.extensions["live"]
    return found


@route(blueprint, "/dashboard/live", roles=DASHBOARD, family="page")
async def live_poll() -> Response:
    """What moved since the page's last sequence number."""
    asked = parse_query(Since)
    seq, parts = await hub().missed(principal().org, asked.since, asked.store)
    return json_answer({"seq": seq, "parts": parts}, headers={"Cache-Control": "no-store"})


@policy.websocket(blueprint, "/ws/dashboard", roles=DASHBOARD, family="page")
async def dashboard_socket() -> Any:
    """The push. Session cookies are only believed from our own origin; programs bring a token and no Origin."""
    who = principal()
    if not origin_is_ours(websocket.headers.get("Origin"), cookie=who.via == "session"):
        return "This origin may not connect.", 403
    since, store = websocket.args.get("since", "0"), websocket.args.get("store") or None
    if store is not None:
        if not _NUMBER.fullmatch(store):
            return "store must be the number of a store.", 400
        try:
            await serving().standing(who.org, int(store))
        except Missing as error:
            return error.message, error.status
    socket = Socket(who.org, who.user_id, who.session_id, store=int(store) if store else None)
    await websocket.accept()
    socket.wire = wire_of(websocket.scope)
    socket.offer(message(type="hello", seq=await hub().seq(who.org), heartbeat=HEARTBEAT))
    hub().join(socket)  # before the snapshot: what moves meanwhile is queued with it
    reader = asyncio.create_task(_read(socket))
    try:
        await _catch_up(socket, int(since) if _NUMBER.fullmatch(since) else 0)
        await _write(socket)
    finally:
        reader.cancel()
        hub().leave(socket)
    return None


def origin_is_ours(origin: str | None, *, cookie: bool) -> bool:
    """An Origin must be the address the page was served from; without one only token principals may connect."""
    if origin is None:
        return not cookie
    public = runtime().settings.public_url
    return urlsplit(origin).netloc == websocket.host or bool(public and origin == public)


async def _write(socket: Socket) -> None:
    while (said := await socket.next()) is not None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await websocket.send(said.text)
        except TimeoutError:  # a goodbye would wait behind what it does not take
            LAGGED.inc()
            if socket.wire is not None:
                socket.wire.abort()
            return
    code, reason = socket.closing or (1001, "")
    if reason:
        await websocket.send(message(type="bye", reason=reason).text)
    await websocket.close(code, reason)


async def _read(socket: Socket) -> None:
    """A page that noticed a gap asks from its last number. Anything else is ignored; floods end the socket."""
    asked = 0
    while asked < 1000:
        text = await websocket.receive()
        asked += 1
        try:
            said = msgspec.json.decode(text)
            if said["type"] == "resume":
                await _catch_up(socket, int(said["since"]))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            continue
        except (PortalError, *AWAY):  # the page comes back by itself, and asks again
            return socket.end(1013, "")
    return socket.end(1008, "")


async def _catch_up(socket: Socket, since: int) -> None:
    _, parts = await hub().missed(socket.org_id, since, socket.store)
    for part in parts:
        socket.offer(message(type="part", **part))
