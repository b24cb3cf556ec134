"""Webhooks over real HTTP: the ping, the double, the signature, no retry, and the end after five failures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.sandbox.conftest import Shop

SECRET = "whisper-7"


@dataclass
class Receiver:
    """Listens for deliveries and answers with `status`."""

    url: str = ""
    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.json_response({"ok": True}, status=self.status)

    @property
    def topics(self) -> list[str]:
        return [headers.get("X-WC-Webhook-Topic", "ping") for headers, _ in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    heard = Receiver()
    app = web.Application()
    app.router.add_post("/hook", heard.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield heard
    await runner.cleanup()


async def subscribe(shop: Shop, receiver: Receiver, *topics: str) -> list[dict[str, Any]]:
    made = []
    for topic in topics:
        answer = await shop.ask(
            "POST", "webhooks", json={"topic": topic, "delivery_url": receiver.url, "secret": SECRET}
        )
        assert answer.status == 201, answer.body
        made.append(answer.body)
    await settled(shop)
    return made


async def settled(shop: Shop) -> None:
    await shop.sandbox.courier("shop").settled()


async def test_saving_sends_an_unsigned_form_encoded_ping(shop: Shop, receiver: Receiver) -> None:
    hook = (await subscribe(shop, receiver, "order.created"))[0]
    headers, body = receiver.got[0]
    assert body == f"webhook_id={hook['id']}".encode()
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "X-WC-Webhook-Signature" not in headers
    assert "secret" not in hook


async def test_one_order_is_announced_twice_with_one_body(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver, "order.created", "order.updated")
    receiver.got.clear()
    placed = shop.control("place_order", total="19.99")
    await settled(shop)
    assert sorted(receiver.topics) == ["order.created", "order.updated"]
    (first, body), (second, same) = receiver.got
    assert body == same
    assert first["X-WC-Webhook-Signature"] == second["X-WC-Webhook-Signature"]
    assert first["X-WC-Webhook-Delivery-ID"] != second["X-WC-Webhook-Delivery-ID"]
    assert first["X-WC-Webhook-Source"] == f"{shop.store.site_url}/"
    assert (first["X-WC-Webhook-Resource"], first["X-WC-Webhook-Event"]) == ("order", "created")
    made = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    assert first["X-WC-Webhook-Signature"] == made
    order = json.loads(body)
    assert (order["id"], order["total"]) == (placed["order_id"], "19.99")
    assert order == await shop.get(f"orders/{order['id']}")


async def test_trash_sends_the_id_alone_and_force_delete_nothing(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver, "order.deleted", "order.updated")
    receiver.got.clear()
    trashed = shop.control("trash")
    await settled(shop)
    assert [(body, headers["X-WC-Webhook-Topic"]) for headers, body in receiver.got] == [
        (b'{"id":%d}' % trashed["order_id"], "order.deleted")
    ]
    receiver.got.clear()
    shop.control("force_delete")
    shop.control("add_note")
    await settled(shop)
    assert receiver.got == []


async def test_refunds_stock_and_new_customers_are_announced(shop: Shop, receiver: Receiver) -> None:
    await subscribe(shop, receiver, "order.updated", "product.updated", "customer.created")
    receiver.got.clear()
    shop.control("refund")
    sold = shop.control("sell_out")
    await shop.ask("POST", "customers", json={"email": "neu@example.test"})
    await settled(shop)
    assert sorted(receiver.topics) == ["customer.created", "order.updated", "product.updated"]
    body = next(json.loads(b) for h, b in receiver.got if h["X-WC-Webhook-Topic"] == "product.updated")
    assert body["id"] in (sold["product_id"], sold["variation_id"])
    assert body["stock_status"] == "outofstock"


async def test_a_failed_delivery_is_not_repeated_and_five_disable_the_webhook(shop: Shop, receiver: Receiver) -> None:
    hook = (await subscribe(shop, receiver, "order.created"))[0]
    receiver.got.clear()
    receiver.status = 500
    for _ in range(4):
        shop.control("place_order")
    await settled(shop)
    assert len(receiver.got) == 4
    assert (await shop.get(f"webhooks/{hook['id']}"))["status"] == "active"
    shop.control("place_order")
    shop.control("place_order")
    await settled(shop)
    assert len(receiver.got) == 5
    assert (await shop.get(f"webhooks/{hook['id']}"))["status"] == "disabled"
    receiver.status = 200
    await shop.ask("PUT", f"webhooks/{hook['id']}", json={"status": "active"})
    shop.control("place_order")
    await settled(shop)
    assert receiver.topics[-2:] == ["ping", "order.created"]


async def test_one_success_forgets_the_failures(shop: Shop, receiver: Receiver) -> None:
    hook = (await subscribe(shop, receiver, "order.created"))[0]
    for status in (500, 500, 500, 500, 200, 500, 500):
        receiver.status = status
        shop.control("place_order")
        await settled(shop)
    assert (await shop.get(f"webhooks/{hook['id']}"))["status"] == "active"


async def test_a_change_does_not_wait_for_a_dead_receiver(shop: Shop) -> None:
    await shop.ask("POST", "webhooks", json={"topic": "order.created", "delivery_url": "http://127.0.0.1:9/x"})
    shop.control("place_order")
    await settled(shop)
    assert shop.store.deliveries[-1]["status"] == 0


async def test_webhooks_are_listed_and_deleted(shop: Shop, receiver: Receiver) -> None:
    hook = (await subscribe(shop, receiver, "coupon.created"))[0]
    assert [row["id"] for row in await shop.get("webhooks")] == [hook["id"]]
    assert (await shop.ask("DELETE", f"webhooks/{hook['id']}")).status == 400
    assert (await shop.ask("DELETE", f"webhooks/{hook['id']}", force="true")).status == 200
    assert (await shop.ask("GET", f"webhooks/{hook['id']}")).status == 404


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"topic": "nope.created", "delivery_url": "http://a.test/"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"topic": "order.created", "delivery_url": "x"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
    ],
)
async def test_wrong_webhooks_are_refused(shop: Shop, given: dict[str, str], code: str) -> None:
    answer = await shop.ask("POST", "webhooks", json=given)
    assert (answer.status, answer.body["code"]) == (400, code)
