"""Sockets, the polling fall-back, caches and the bus: each carries one organization's rows and no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import redis.asyncio as redis
from quart import Quart

from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import Servers
from tests.isolation.planting import Planted
from tests.isolation.routes import Way, ways
from tests.visitors import Visitor

Outsider = Callable[..., Any]


def sockets(app: Quart) -> list[Way]:
    return [way for way in ways(app) if way.method == "WEBSOCKET"]


async def heard(socket: aiohttp.ClientWebSocketResponse, seconds: float) -> str:
    """Everything a socket is sent in some seconds."""
    said = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                message = await socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                said += message.data
    return said


async def test_no_socket_opens_anonymously_or_for_another_organization(
    app: Quart, planted: Planted, outsider: Outsider, client: Visitor
) -> None:
    visitor = await outsider("owner")
    assert sockets(app)
    for way in sockets(app):
        path, _ = next(way.filled(planted))
        for who, headers, status in (
            (client, {}, 401),
            (client, {"Authorization": "Bearer nonsense"}, 401),
            (visitor, {"x-org-id": str(planted.org), "Origin": visitor.base}, 403),
            (visitor, {"Origin": "https://elsewhere.example"}, 403),
            (visitor, {}, 403),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await who.session.ws_connect(path, headers=headers)
            assert refused.value.status == status, (path, headers)


async def test_a_socket_hears_only_its_own_organization(
    rt: Runtime, app: Quart, planted: Planted, neighbour: Planted, outsider: Outsider, insider: Visitor
) -> None:
    theirs, ours = await outsider("member"), insider
    for way in sockets(app):
        path, _ = next(way.filled(planted))
        async with (
            theirs.session.ws_connect(path, headers={"Origin": theirs.base}) as outside,
            ours.session.ws_connect(path, headers={"Origin": ours.base}) as inside,
        ):
            sale = ledgers.order("12.00", ledgers.line(planted.sku, "12.00"), number=f"No2-{planted.mark}")
            await ledgers.write(rt, planted.org, planted.connection_id, sale)
            progress = {"connection_id": planted.connection_id}
            await rt.bus.publish(Event(planted.org, "progress", 0, progress))
            # An event that names another organization's connection shows nothing of it.
            await rt.bus.publish(Event(neighbour.org, "progress", 0, progress))
            told, told_inside = await asyncio.gather(heard(outside, 1.2), heard(inside, 1.2))
            assert planted.mark in told_inside, "the walk would not have noticed a leak"
            assert not planted.found_in(told)
            other = ledgers.order("13.00", ledgers.line(neighbour.sku, "13.00"))
            await ledgers.write(rt, neighbour.org, neighbour.connection_id, other)
            assert neighbour.mark in await heard(outside, 1.0)


async def test_every_cached_answer_belongs_to_one_organization(
    rt: Runtime, servers: Servers, planted: Planted, neighbour: Planted, outsider: Outsider, insider: Visitor
) -> None:
    theirs = await outsider("owner")
    for visitor in (insider, theirs):
        for path in ("/dashboard", "/api/v1/dashboard/sales-pulse", "/api/v1/dashboard/inventory-alerts?limit=7"):
            assert (await visitor.page(path)).status == 200
    kept = {
        key: entry.body for key, entry in rt.cache._kept.items() if str(planted.org) in key or str(neighbour.org) in key
    }
    assert kept
    async with redis.from_url(servers.redis_url) as client:
        prefix = rt.link.key("cache", "")
        async for key in client.scan_iter(match=f"{prefix}*"):
            kept[key.decode()] = await client.get(key) or b""
    for key, body in kept.items():
        text = body.decode(errors="replace")
        assert not (planted.mark in text and str(planted.org) not in key), key
        assert not (neighbour.mark in text and str(neighbour.org) not in key), key


async def test_answers_of_one_organization_may_not_be_kept_by_shared_caches(insider: Visitor, planted: Planted) -> None:
    for path in (
        "/dashboard",
        "/orders",
        "/stores",
        "/api/v1/dashboard/sales-pulse",
        "/dashboard/tiles/sales-pulse.csv",
    ):
        cache_control = (await insider.page(path)).headers["Cache-Control"]
        assert "private" in cache_control or "no-store" in cache_control, path
