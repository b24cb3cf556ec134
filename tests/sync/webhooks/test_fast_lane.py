"""The lane before the app answers a plain delivery as the route does; everything else goes the whole way, body and all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from portal.sync.webhooks import fast_lane
from portal.sync.webhooks.doors import Doors
from portal.sync.webhooks.fast_lane import WebhookLane
from portal.sync.webhooks.intake import Intake
from portal.sync.webhooks.self_test import HEADER
from tests.sync.conftest import Shop
from tests.sync.hooks import address, deliver, secret, signed, states
from tests.sync.webhooks.test_deliveries import told, variant
from tests.visitors import Visitor


async def test_both_ways_give_the_same_answer(shop: Shop, client: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await deliver(client, shop, b'{"id": 0}', delivery="so that the door is known")
    path, key = await address(shop), await secret(shop)
    answers = []
    for way in ("lane", "app"):
        with monkeypatch.context() as patched:
            if way == "app":
                patched.setattr(WebhookLane, "_door", lambda *_: None)
            body = variant(told(shop.store), 900_001)
            headers = {**signed(body, key, delivery=way), "X-Request-Id": "mine"}
            answers.append(await client.post(path, data=body, headers=headers))
    lane, app = ({n: v for n, v in each.headers.items() if n.lower() != "date"} for each in answers)
    assert {name.lower(): value for name, value in lane.items()} == {name.lower(): value for name, value in app.items()}
    assert [(each.status, each.body) for each in answers] == [(200, b"")] * 2
    assert sum((await states(shop)).values()) == 3


async def test_what_is_not_plain_reaches_the_route_with_its_body(shop: Shop, client: Visitor) -> None:
    await deliver(client, shop, b'{"id": 0}')
    path, key, body = await address(shop), await secret(shop), b'{"id": 1}'
    assert (await client.post(path, data=body, headers=signed(body, "wrong"))).status == 401
    assert (await client.post(path, data=b"webhook_id=4", headers={})).status == 200
    assert (await client.post(f"{path}/", data=body, headers=signed(body, key, delivery="slash"))).status == 200
    assert (await client.post(f"{path}/more", data=body, headers=signed(body, key))).status == 404
    assert (await client.get(path)).status == 405

    async def parts() -> object:
        yield body[:3]
        yield body[3:]

    chunked = await client.post(path, data=parts(), headers=signed(body, key, delivery="chunked"))
    assert chunked.status == 200
    forged = {**signed(body, key, delivery="forged test"), HEADER: "1.0"}
    assert (await client.post(path, data=body, headers=forged)).body == b""
    assert sum((await states(shop)).values()) == 4


async def test_a_body_that_stalls_goes_the_whole_way_where_it_is_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors = Doors(shop.rt)
    path = await address(shop)
    assert await doors.find(path.rpartition("/")[2]) is not None
    monkeypatch.setattr(fast_lane, "PATIENCE", 0.1)
    arriving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    seen: list[bytes] = []

    async def route(_scope: Any, receive: Any, _send: Any) -> None:
        seen.append((await receive())["body"])
        arriving.put_nowait({"type": "http.request", "body": b": 1}"})
        seen.append((await receive())["body"])

    arriving.put_nowait({"type": "http.request", "body": b'{"id"', "more_body": True})
    lane = fast_lane.WebhookLane(route, shop.rt, doors, Intake(shop.rt))
    asked = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-length", b"9")]}
    await asyncio.wait_for(lane(asked, arriving.get, None), 3)
    assert seen == [b'{"id"', b": 1}"]


async def test_a_slow_body_is_stored(shop: Shop, client: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await deliver(client, shop, b'{"id": 0}')
    path, key, body = await address(shop), await secret(shop), b'{"id": 1}'
    monkeypatch.setattr(fast_lane, "PATIENCE", 0.1)

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:3]
        await asyncio.sleep(0.4)
        yield body[3:]

    headers = {**signed(body, key, delivery="slow"), "Content-Length": str(len(body))}
    assert (await client.post(path, data=slowly(), headers=headers)).status == 200
    assert sum((await states(shop)).values()) == 2
