"""Valkey stopped: pages, JSON and live go on. PostgreSQL restarted: 503 meanwhile, and everything comes back by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from portal.compose import close_runtime, open_runtime
from portal.foundation.database import AWAY, connect_once
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from tests import ledgers
from tests.conftest import Servers, SignIn
from tests.ledgers import order
from tests.visitors import HTML, JSON, Visitor

PULSE = "/api/v1/dashboard/sales-pulse"
PAGES = ("/dashboard", "/orders", "/inventory", "/stores", "/dashboard/tiles/sales-pulse", "/dashboard/live?since=0")


@asynccontextmanager
async def another_process(
    rt: Runtime, database_url: str, settings_for: Callable[..., Settings]
) -> AsyncIterator[Runtime]:
    worker = await open_runtime(settings_for(database_url, redis_prefix=rt.settings.redis_prefix))
    try:
        yield worker
    finally:
        await close_runtime(worker)


async def until(condition: Callable[[], Any], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def part(socket: aiohttp.ClientWebSocketResponse, text: str, seconds: float) -> None:
    """Wait until a part with this text is pushed."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            if text in json.loads(message.data).get("html", ""):
                return


async def total(visitor: Visitor) -> int | None:
    answer = await visitor.get(PULSE)
    assert answer.status == 200, answer.text
    found: int | None = answer.json()["total_orders"]
    return found


async def test_with_valkey_stopped_everything_answers_and_live_goes_on_and_recovers(
    rt: Runtime,
    servers: Servers,
    database_url: str,
    settings_for: Callable[..., Settings],
    org: UUID,
    sign_in: SignIn,
) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("1.00"))
    visitor = await sign_in("owner", org)
    async with (
        another_process(rt, database_url, settings_for) as worker,
        visitor.session.ws_connect("/ws/dashboard?since=9", headers={"Origin": visitor.base}) as socket,
    ):
        assert await total(visitor) == 1
        await servers.embedded.valkey.stop()
        try:
            for path in PAGES:
                assert (await visitor.page(path)).status == 200, path
            newcomer = await sign_in("member", org)
            assert await total(newcomer) == 1
            assert (await newcomer.submit("/logout", {})).status == 303
            # This process' own writes are pushed as ever, another's are found within seconds.
            await ledgers.write(rt, org, connection, order("2.00"))
            await part(socket, "$3.00", 3)
            await ledgers.write(worker, org, connection, order("4.00"))
            await part(socket, "$7.00", 8)
            await ledgers.write(worker, org, connection, order("8.00"))
            await until(lambda: _equals(visitor, 4), 3)
        finally:
            await servers.embedded.valkey.start()
        await until(lambda: _listening(rt, worker), 10)
        await ledgers.write(worker, org, connection, order("16.00"))
        await part(socket, "$31.00", 3)
        assert await total(visitor) == 5


async def _equals(visitor: Visitor, count: int) -> bool:
    return await total(visitor) == count


async def _listening(*runtimes: Runtime) -> bool:
    return all(
        [rt.bus.listening and await rt.link.try_set(rt.link.key("probe"), b"1", 5) is not None for rt in runtimes]
    )


async def test_while_postgresql_restarts_answers_are_503_in_kind_and_everything_comes_back(
    rt: Runtime, servers: Servers, org: UUID, sign_in: SignIn
) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("1.00"))
    visitor = await sign_in("owner", org)
    async with visitor.session.ws_connect("/ws/dashboard?since=9", headers={"Origin": visitor.base}) as socket:
        assert await total(visitor) == 1
        await servers.embedded.postgres.stop()
        try:
            refused = await visitor.get("/api/v1/dashboard/inventory-alerts?limit=3", headers=JSON)
            assert refused.status == 503, refused.text
            assert refused.json()["details"]["code"] == "TEMPORARILY_UNAVAILABLE"
            assert int(refused.headers["Retry-After"]) > 0
            page = await visitor.get("/orders", headers=HTML)
            assert page.status == 503
            assert "Back in a moment" in page.text
            partial = await visitor.get("/orders", headers={**HTML, "HX-Request": "true"})
            assert partial.status == 503
            assert "<!doctype html>" not in partial.text
            live = await visitor.get("/dashboard/live?since=0")
            assert live.status == 503
            await socket.send_str('{"type": "resume", "since": 0}')
        finally:
            await servers.embedded.postgres.start()
        await until(lambda: _well(visitor), 15)
        for path in PAGES:
            assert (await visitor.page(path)).status == 200, path
    async with visitor.session.ws_connect("/ws/dashboard?since=9", headers={"Origin": visitor.base}) as socket:
        await ledgers.write(rt, org, connection, order("2.00"))
        await part(socket, "$3.00", 5)


async def _well(visitor: Visitor) -> bool:
    return (await visitor.get(f"{PULSE}/")).status == 200 and (await visitor.page("/orders")).status == 200


async def test_a_connection_that_was_told_to_end_but_has_not_yet_counts_as_the_database_away(database_url: str) -> None:
    connection = await connect_once(database_url)
    farewell = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
    connection._protocol.data_received(b"E" + (len(farewell) + 4).to_bytes(4, "big") + farewell)
    with pytest.raises(AWAY):
        await connection.execute("SELECT 1")
    connection.terminate()
