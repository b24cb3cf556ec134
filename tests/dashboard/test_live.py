"""`/ws/dashboard`: what it says, to whom, in which order, and when it ends; `/dashboard/live` for pages without it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from prometheus_client import REGISTRY

from portal.accounts import sessions
from portal.commerce.records import Customer
from portal.dashboard.registry import tile, tiles
from portal.dashboard.socket import QUEUE, Socket, message
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, tenant
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import line, order, product
from tests.visitors import Visitor

EVERY = tuple(element.id for each in tiles() for element in each.elements)
STOCK = tuple(element.id for element in tile("inventory-alerts").elements)


@dataclass
class Listener:
    """One open socket."""

    socket: aiohttp.ClientWebSocketResponse

    async def next(self, seconds: float = 5.0) -> dict[str, Any]:
        """The next message; a close is given as its code."""
        message = await asyncio.wait_for(self.socket.receive(), seconds)
        if message.type is aiohttp.WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(message.data)
            return found
        return {"type": "closed", "code": message.data}

    async def parts(self, *names: str, seconds: float = 5.0) -> dict[str, dict[str, Any]]:
        """Messages until a part of each name has come."""
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(seconds):
            while set(names) - set(found):
                message = await self.next(seconds)
                if message["type"] == "part":
                    found[message["id"]] = message
        return found


@asynccontextmanager
async def listening(visitor: Visitor, path: str = "/ws/dashboard", **headers: str) -> AsyncIterator[Listener]:
    sent = {"Origin": visitor.base, **visitor.headers, **headers}
    async with visitor.session.ws_connect(path, headers=sent) as socket:
        yield Listener(socket)


@pytest.fixture
async def shop(rt: Runtime, org: UUID) -> int:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("10.00", line("A", "10.00")), product("A", 5))
    return connection


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_it_says_hello_with_the_sequence_number_and_the_heartbeat(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    async with tenant(rt.database, org) as scope:
        version = await scope.sql.fetchval("SELECT version FROM tenant_versions")
    async with listening(await sign_in("member", org), f"/ws/dashboard?since={version}") as live:
        assert await live.next() == {"type": "hello", "seq": version, "heartbeat": 20}


async def test_a_write_is_pushed_to_the_tiles_it_moves(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    async with listening(await sign_in("operator", org), "/ws/dashboard?since=1") as live:
        assert (await live.next())["type"] == "hello"
        version = await ledgers.write(rt, org, shop, order("32.50"))
        found = await live.parts(*EVERY)
        assert {part["seq"] for part in found.values()} == {version}
        assert "$42.50" in found["strip"]["html"]
        assert f'id="strip" data-seq="{version}"' in found["strip"]["html"]
        for name, part in found.items():
            assert part["html"].strip().startswith("<"), name
            assert part["html"].count(f'id="{name}"') == 1, "exactly the element it replaces"
            assert "csrf" not in part["html"]


async def test_only_the_tiles_that_the_change_moves_are_pushed(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    async with listening(await sign_in("member", org), "/ws/dashboard?since=1") as live:
        await live.next()
        await ledgers.write(rt, org, shop, product("B", 0))
        assert {(await live.next())["id"] for _ in STOCK} == set(STOCK)
        version = await ledgers.write(rt, org, shop, Customer(external_id="1", modified_at=ledgers.now(), name="New"))
        # Nothing to draw, but the number moved. (The sweep for lost events may look just now and draw everything.)
        told = await live.next()
        assert told["seq"] == version
        assert told["type"] == "beat" or "html" in told


async def test_two_sockets_get_the_same_message_rendered_once(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    async with (
        listening(await sign_in("owner", org), "/ws/dashboard?since=1") as one,
        listening(await sign_in("member", org), "/ws/dashboard?since=1") as two,
    ):
        await one.next()
        await two.next()
        before = measured("portal_cache_lookups_total", source="computed")
        await ledgers.write(rt, org, shop, order("1.00"))
        found = [await live.parts(*EVERY) for live in (one, two)]
        assert found[0] == found[1]
        assert measured("portal_cache_lookups_total", source="computed") - before == len(tiles()), (
            "each tile drawn once"
        )


async def test_a_burst_of_writes_is_few_pushes_and_ends_with_the_last(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    async with listening(await sign_in("member", org), "/ws/dashboard?since=1") as live:
        await live.next()
        for _ in range(30):
            last = await ledgers.write(rt, org, shop, order("1.00"))
        strips = []
        async with asyncio.timeout(5):
            while not strips or strips[-1]["seq"] < last:
                strips.append((await live.parts("strip"))["strip"])
        assert "$40.00" in strips[-1]["html"]
        assert len(strips) < 15
        assert [each["seq"] for each in strips] == sorted({each["seq"] for each in strips})


async def test_a_page_that_missed_something_gets_the_present_state(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    visitor = await sign_in("member", org)
    version = await ledgers.write(rt, org, shop, order("5.00"))
    async with listening(visitor, "/ws/dashboard?since=1") as live:
        assert (await live.next())["seq"] == version
        found = await live.parts(*EVERY)
        assert "$15.00" in found["strip"]["html"]
        await live.socket.send_str(json.dumps({"type": "resume", "since": version}))
        await live.socket.send_str(json.dumps({"type": "resume", "since": version - 1}))
        again = [(await live.next())["id"] for _ in EVERY]
        assert sorted(again) == sorted(EVERY), "asked from the last number: nothing; from before: everything, once"


@pytest.mark.parametrize("since", ["-1", "²", "%00", "9" * 5000], ids=["negative", "no digit", "nul", "endless"])
async def test_a_number_that_is_none_gets_the_snapshot(org: UUID, sign_in: SignIn, shop: int, since: str) -> None:
    async with listening(await sign_in("member", org), f"/ws/dashboard?since={since}") as live:
        await live.parts(*EVERY)


async def test_nonsense_from_a_page_changes_nothing(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    async with listening(await sign_in("member", org), "/ws/dashboard?since=nonsense") as live:
        assert (await live.next())["type"] == "hello"
        for said in ("", "{", "[]", "null", '{"type":"resume"}', '{"type":"resume","since":"x"}', '{"type":1}', "7"):
            await live.socket.send_str(said)
        await live.socket.send_bytes(b"\xff\xfe")
        await ledgers.write(rt, org, shop, order("1.00"))
        await live.parts("strip")


async def test_signing_out_closes_the_socket_of_that_session_only(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    visitor, colleague = await sign_in("owner", org), await sign_in("member", org)
    async with (
        listening(visitor, "/ws/dashboard?since=1") as mine,
        listening(colleague, "/ws/dashboard?since=1") as other,
    ):
        await mine.next()
        await other.next()
        assert (await visitor.submit("/logout", {})).status == 303
        assert await mine.next() == {"type": "bye", "reason": "signed_out"}
        assert (await mine.next())["code"] == 4401
        await ledgers.write(rt, org, shop, order("1.00"))
        await other.parts("strip")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await visitor.session.ws_connect("/ws/dashboard", headers={"Origin": visitor.base})


async def test_a_changed_role_closes_the_sockets_of_the_user(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    visitor = await sign_in("owner", org)
    async with listening(visitor, "/ws/dashboard?since=1") as live:
        await live.next()
        async with platform(rt.database, "test") as scope:
            await scope.sql.execute("UPDATE memberships SET role = 'agent' WHERE user_id = $1", visitor.user_id)
        await sessions.tell(rt, visitor.user_id, "role_changed")
        assert await live.next() == {"type": "bye", "reason": "role_changed"}
        assert (await live.next())["code"] == 4403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.session.ws_connect("/ws/dashboard", headers={"Origin": visitor.base})
    assert refused.value.status == 403


async def test_a_revoked_token_closes_its_socket(org: UUID, sign_in: SignIn, shop: int) -> None:
    program = await sign_in("member", org, via="token")
    async with program.session.ws_connect("/ws/dashboard?since=9", headers=program.headers) as socket:
        live = Listener(socket)
        assert (await live.next())["type"] == "hello"
        assert (await program.post("/api/auth/revoke", json={})).status == 200
        assert await live.next() == {"type": "bye", "reason": "signed_out"}


async def test_a_write_whose_event_was_lost_is_found(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    async with listening(await sign_in("member", org), "/ws/dashboard?since=1") as live:
        await live.next()
        async with tenant(rt.database, org) as scope:
            await scope.sql.execute("UPDATE tenant_versions SET version = version + 1")
        found = await live.parts("strip", "tile-inventory-alerts", seconds=8)
        assert {part["seq"] for part in found.values()} == {2}


async def test_an_event_that_overtakes_its_commit_loses_nothing(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    async with listening(await sign_in("member", org), "/ws/dashboard?since=1") as live:
        await live.next()
        await rt.bus.publish(Event(org, "data", 2, {"kinds": ["orders"]}))
        assert (await live.parts("strip"))["strip"]["seq"] == 1
        version = await ledgers.write(rt, org, shop, order("7.00"))
        async with asyncio.timeout(3):
            while (await live.parts("strip"))["strip"]["seq"] < version:
                continue


async def test_polling_gives_what_moved_since_the_pages_number(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    visitor = await sign_in("member", org)
    assert (await visitor.get("/dashboard/live?since=1")).json() == {"seq": 1, "parts": []}
    version = await ledgers.write(rt, org, shop, order("7.00"))
    answer = await visitor.get("/dashboard/live?since=1")
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["seq"] == version
    assert [list(part) for part in body["parts"]] == [["id", "seq", "html"]] * len(EVERY)
    assert "$17.00" in body["parts"][0]["html"]
    for wrong in ("since=-1", "since=x", "after=1"):
        assert (await visitor.get(f"/dashboard/live?{wrong}")).status == 400


async def test_a_socket_that_does_not_keep_up_is_closed_not_buffered() -> None:
    socket = Socket(UUID(int=1), None, None)
    for number in range(QUEUE):
        socket.offer(message(type="beat", seq=number))
    assert socket.closing is None
    assert await socket.next() == message(type="beat", seq=0), "in order"
    for number in range(QUEUE * 2):
        socket.offer(message(type="beat", seq=number))
    assert socket.closing == (1013, "")
    assert await socket.next() is None, "nothing is sent any more: it comes back for a snapshot"


async def test_closed_sockets_are_forgotten(org: UUID, sign_in: SignIn, shop: int) -> None:
    before = measured("portal_live_sockets")
    async with listening(await sign_in("member", org)) as live:
        await live.next()
        assert measured("portal_live_sockets") == before + 1
    async with asyncio.timeout(3):
        while measured("portal_live_sockets") > before:
            await asyncio.sleep(0.02)
