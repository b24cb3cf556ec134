"""The lane before the app answers a plain delivery as the route does; everything else goes the whole way, body and all."""

from __future__ import annotations

import pytest

from portal.sync.self_test import HEADER
from portal.sync.webhook_lane import WebhookLane
from tests.sync.conftest import Shop
from tests.sync.hooks import address, deliver, secret, signed, states
from tests.sync.test_deliveries import shop, told, variant
from tests.visitors import Visitor

__all__ = ["shop"]


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
