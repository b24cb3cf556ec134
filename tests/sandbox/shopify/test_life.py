"""What happens in a Shopify store, what is told of it, and what is true."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.asking import BadControl
from portal.sandbox.shopify.gate import client_secret
from portal.sandbox.shopify.payloads import order_body
from portal.sandbox.shopify.world import ITEMS
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from tests.sandbox.shopify.conftest import NOW, Shop

SUBSCRIBE = """mutation S($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id } userErrors { message } } }"""


class Heard:
    def __init__(self) -> None:
        self.url, self.status = "", 200
        self.deliveries: list[tuple[dict[str, str], bytes]] = []

    async def receive(self, request: web.Request) -> web.Response:
        self.deliveries.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for headers, _ in self.deliveries]


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    """Whoever listens to webhooks."""
    listening, app = Heard(), web.Application()
    app.router.add_post("/hook", listening.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listening.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listening
    await runner.cleanup()


async def subscribe(shop: Shop, heard: Heard, *topics: str) -> None:
    for topic in topics:
        # An enum as a variable is written as its name.
        found = (await shop.data(SUBSCRIBE, topic=topic, uri=heard.url))["webhookSubscriptionCreate"]
        assert found["userErrors"] == []


async def test_a_delivery_is_signed_with_the_apps_secret_over_its_raw_bytes(shop: Shop, heard: Heard) -> None:
    await subscribe(shop, heard, "ORDERS_CREATE")
    placed = shop.control("place_order", total="12.50")["order_id"]
    await shop.sandbox.courier("berlin").settled()
    ((headers, body),) = heard.deliveries
    key = client_secret(shop.store.spec).encode()
    assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
    assert headers["X-Shopify-Topic"] == "orders/create"
    assert headers["X-Shopify-Shop-Domain"] == "berlin.myshopify.com"
    assert headers["X-Shopify-Triggered-At"].startswith("2026-06-17T13:3")
    assert {"X-Shopify-Webhook-Id", "X-Shopify-Event-Id"} <= set(headers)
    told = json.loads(body)
    assert (told["id"], told["total_price"], told["financial_status"]) == (placed, "12.50", "paid")


async def test_a_doubled_delivery_has_one_id(shop: Shop, heard: Heard) -> None:
    await subscribe(shop, heard, "ORDERS_CREATE")
    shop.control("double_deliveries", times=1)
    shop.control("place_order", total="1.00")
    shop.control("place_order", total="2.00")
    await shop.sandbox.courier("berlin").settled()
    ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in heard.deliveries]
    assert (len(ids), len(set(ids))) == (3, 2)


async def test_each_change_is_told_under_its_topic(shop: Shop, heard: Heard) -> None:
    await subscribe(
        shop, heard, "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_DELETE", "REFUNDS_CREATE", "INVENTORY_LEVELS_UPDATE",
        "PRODUCTS_UPDATE", "PRODUCTS_DELETE", "APP_UNINSTALLED",
    )  # fmt: skip
    order = shop.control("place_order", total="30.00")["order_id"]
    shop.control("refund", order=order, amount="5.00")
    shop.control("cancel_order", order=order)
    shop.control("delete_order", order=order)
    row = next(each for each in shop.store.sellables() if each.managed)
    shop.control("sell_out", product_id=row.id)
    simple = next(each for each in shop.store.products.values() if not each.variations)
    shop.control("delete_product", product_id=simple.id)
    shop.control("uninstall")
    await shop.sandbox.courier("berlin").settled()
    assert set(heard.topics()) == {
        "orders/updated", "orders/cancelled", "orders/delete", "refunds/create", "inventory_levels/update",
        "products/update", "products/delete", "app/uninstalled",
    }  # fmt: skip
    bodies = {headers["X-Shopify-Topic"]: json.loads(body) for headers, body in heard.deliveries}
    assert bodies["orders/delete"] == {"id": order}
    assert bodies["refunds/create"]["order_id"] == order
    assert bodies["inventory_levels/update"]["inventory_item_id"] == ITEMS + row.id


async def test_a_receiver_that_keeps_failing_loses_its_subscription(shop: Shop, heard: Heard) -> None:
    await subscribe(shop, heard, "ORDERS_CREATE")
    heard.status = 500
    for _ in range(9):
        shop.control("place_order", total="1.00")
    await shop.sandbox.courier("berlin").settled()
    assert len(heard.deliveries) == 8
    assert not shop.store.webhooks


async def test_a_second_subscription_for_one_address_is_refused(shop: Shop, heard: Heard) -> None:
    await subscribe(shop, heard, "ORDERS_CREATE")
    again = (await shop.data(SUBSCRIBE, topic="ORDERS_CREATE", uri=heard.url))["webhookSubscriptionCreate"]
    assert "already been taken" in again["userErrors"][0]["message"]


def test_the_truth_counts_in_the_shops_currency_without_tests_and_cancelled_orders() -> None:
    store = Store(SandboxStoreSpec("berlin", 3, 400, platform="shopify", now=NOW))
    told: Any = truth(store)
    (row,) = told["revenue"]
    counted = [
        each
        for each in store.orders.values()
        if not each.test and each.status not in {"cancelled", "failed"} and (each.status != "pending" or each.paid)
    ]
    assert row["currency"] == "EUR"
    assert row["orders"] == len(counted)
    assert any(each.test for each in store.orders.values())
    assert {each["status"] for each in told["statuses"]} <= {
        "paid", "pending", "authorized", "expired", "refunded", "partially_refunded", "cancelled",
    }  # fmt: skip


def test_no_order_is_empty_negative_trashed_or_in_another_currency() -> None:
    store = Store(SandboxStoreSpec("berlin", 3, 1_000, platform="shopify", now=NOW))
    orders = list(store.orders.values())
    assert all(each.lines and each.total >= 0 and each.currency == "EUR" for each in orders)
    assert not {each.status for each in orders} & {"trash", "checkout-draft"}
    assert {each.presentment for each in orders} == {"", "USD", "JPY"}
    assert any(each.fee for each in orders)
    assert any(each.total == 0 for each in orders)


def test_the_same_seed_makes_the_same_shop() -> None:
    spec = SandboxStoreSpec("berlin", 3, 100, platform="shopify", now=NOW)
    first, second = Store(spec), Store(spec)
    assert truth(first, with_ids=True) == truth(second, with_ids=True)
    assert [order_body(first, each) for each in first.orders.values()] == [
        order_body(second, each) for each in second.orders.values()
    ]


def test_a_platform_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="platform"):
        SandboxStoreSpec("berlin", platform="etsy")  # type: ignore[arg-type]


def test_an_action_of_another_platform_is_refused(shop: Shop) -> None:
    with pytest.raises(BadControl) as wrong:
        shop.control("force_delete")
    assert "delete_order" in wrong.value.body["details"]["allowed"]  # type: ignore[index]


async def test_a_shop_is_kept_and_taken_up_again(tmp_path: Path) -> None:
    spec = SandboxStoreSpec("berlin", 3, 30, platform="shopify")
    async with Sandbox([spec], state_dir=tmp_path) as sandbox:
        sandbox.control("berlin", "place_order", total="5.00", test="yes", currency="USD")
        kept = list(sandbox.store("berlin").orders.values())[-1]
    async with Sandbox([spec], state_dir=tmp_path) as sandbox:
        found = sandbox.store("berlin").orders[kept.id]
        assert (found.test, found.presentment, found.total) == (True, "USD", 500)


async def test_shops_of_two_platforms_live_in_one_sandbox() -> None:
    specs = [SandboxStoreSpec("wool", 1, 5), SandboxStoreSpec("berlin", 1, 5, platform="shopify")]
    async with Sandbox(specs) as sandbox:
        assert sandbox.store("wool").site_url.endswith("/wool")
        assert sandbox.store("berlin").site_url.endswith("/berlin.myshopify.com")
