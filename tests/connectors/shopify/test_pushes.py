"""Deliveries of a Shopify store over real HTTP: verified, kept once, fetched, and then the same rows as by a page."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

from portal.connectors.shopify import webhooks
from portal.connectors.shopify.manifest import MANIFEST
from portal.foundation.runtime import Runtime
from portal.sandbox.shopify.gate import client_secret
from portal.sync.engine import Outcome
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import tenant
from tests.connectors.shopify.conftest import Open
from tests.sync.test_worker import until, working
from tests.visitors import Visitor


async def test_a_push_and_a_page_give_the_same_row(rt: Runtime, live_server: str, opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert outcome.state == "registered", outcome
    async with working(rt):
        await asyncio.sleep(0.3)
        shop.control("double_deliveries", times=4)
        placed = str(shop.control("place_order", total="77.77")["order_id"])
        paid = str(shop.control("place_order", total="31.00")["order_id"])
        shop.control("refund", order=int(paid), amount="1.00")
        shop.control("sell_out")
        shop.control("delete_order", order=list(shop.store.orders)[3])

        async def arrived() -> bool:
            return bool(
                await shop.value(
                    "SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1 AND processed_at IS NULL"
                )
                == 0
                and await shop.value(
                    f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed}'"
                )
                and await shop.value(f"SELECT count(*) FROM refunds WHERE connection_id = $1 AND order_id = '{paid}'")
            )

        await shop.sandbox.courier("shop").settled()
        await until(arrived, 15)
    await shop.assert_equal_to_truth()
    before = await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0")
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0") == before, "the page says the same"


async def test_two_deliveries_of_one_id_are_one_and_a_wrong_signature_is_none(
    rt: Runtime, live_server: str, opened: Open, client: Visitor
) -> None:
    shop = await opened()
    await register_webhooks(rt, shop.org, shop.connection_id)
    token = (await shop.connection())["public_token"]
    body = json.dumps({"id": 17}).encode()
    secret = client_secret(shop.store.spec)
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Webhook-Id": "w1",
        "X-Shopify-Hmac-Sha256": signature,
    }
    answers = await asyncio.gather(
        *(client.post(f"/webhooks/shopify/{token}", data=body, headers=headers) for _ in range(4))
    )
    assert [answer.status for answer in answers] == [200] * 4
    assert await shop.value("SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1") == 1
    wrong = {**headers, "X-Shopify-Hmac-Sha256": signature[::-1], "X-Shopify-Webhook-Id": "w2"}
    assert (await client.post(f"/webhooks/shopify/{token}", data=body, headers=wrong)).status == 401


async def test_without_the_apps_secret_no_webhook_is_asked_for(rt: Runtime, live_server: str, opened: Open) -> None:
    shop = await opened(client_secret="")
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert outcome.state == "not_permitted"
    assert "API secret key" in outcome.detail
    assert not shop.store.webhooks


async def test_an_uninstalled_app_is_said_on_the_stores_page(rt: Runtime, live_server: str, opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    await register_webhooks(rt, shop.org, shop.connection_id)
    async with working(rt):
        await asyncio.sleep(0.3)
        shop.control("uninstall")

        async def said() -> bool:
            return "access token" in ((await shop.connection())["last_error"] or "")

        await until(said, 15)


async def test_an_uninstalled_app_is_looked_at_at_once_and_its_webhooks_are_no_longer_said_to_be_on(
    rt: Runtime, live_server: str, opened: Open, sign_in: Callable[..., Awaitable[Visitor]]
) -> None:
    shop = await opened()
    await shop.sync("first")
    await register_webhooks(rt, shop.org, shop.connection_id)
    owner = await sign_in("owner", shop.org)
    path = f"/stores/{shop.connection_id}/health"
    assert (await owner.page(path)).text.count("Active") == len(MANIFEST.webhook_topics)
    async with working(rt):
        shop.control("uninstall")

        async def looked_at() -> bool:
            return bool(
                await shop.value(
                    "SELECT count(*) FROM connection_checks WHERE connection_id = $1 AND status = 'auth_failed'"
                )
            )

        await until(looked_at, 15)
    page = (await owner.page(path)).text
    assert "The key was refused" in page
    assert "Whether webhooks are on is not known now." in page
    assert "Active" not in page
    assert page.count("Was active") == len(MANIFEST.webhook_topics)
    assert "At the store, as of " in page
    assert "Webhooks are on." not in (await owner.page(f"/stores/{shop.connection_id}")).text
    shop.control("restore_keys")
    outcome = await register_webhooks(rt, shop.org, shop.connection_id, anew=False)
    assert outcome.state == "registered", outcome
    await shop.sync("manual")
    assert "Was active" not in (await owner.page(path)).text


async def test_a_subscription_that_shopify_removed_is_told_once_and_made_anew(
    rt: Runtime, live_server: str, opened: Open
) -> None:
    shop = await opened()
    await shop.sync("first")
    await register_webhooks(rt, shop.org, shop.connection_id)
    hook = next(each for each in shop.store.webhooks.values() if each.topic == "ORDERS_UPDATED")
    hook.delivery_url = hook.delivery_url.replace("/webhooks/", "/nowhere/")
    for _ in range(8):
        shop.control("edit_order")
    await shop.sandbox.courier("shop").settled()
    assert hook.id not in shop.store.webhooks, "Shopify gave it up"
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert outcome.state == "registered", outcome
    assert any(each.topic == "ORDERS_UPDATED" for each in shop.store.webhooks.values())
    async with tenant(rt.database, shop.org, read_only=True) as scope:
        told = await scope.sql.fetch(
            "SELECT kind, title FROM notices WHERE connection_id = $1 ORDER BY id", shop.connection_id
        )
    assert [row["kind"] for row in told] == ["webhooks_off", "webhooks_on"]
    assert (
        "Shopify switched the webhook orders/updated off after 8 failed deliveries within 4 hours" in told[0]["title"]
    )


async def test_a_delivery_of_another_shop_with_the_same_app_is_refused(
    rt: Runtime, live_server: str, opened: Open, client: Visitor
) -> None:
    shop = await opened()
    await register_webhooks(rt, shop.org, shop.connection_id)
    path = f"/webhooks/shopify/{(await shop.connection())['public_token']}"
    body = json.dumps({"id": 17}).encode()
    own = json.loads((await shop.connection())["settings"])["shop_domain"]
    answers = []
    for domain in ("other-shop.myshopify.com", own):
        headers = {
            **webhooks.trial("orders/updated", body, client_secret(shop.store.spec), {"shop_domain": domain}),
            "X-Shopify-Shop-Domain": domain,
        }
        answers.append(await client.post(path, data=body, headers=headers))
    assert [each.status for each in answers] == [403, 200]
    assert answers[0].json()["details"]["code"] == "WRONG_STORE"
    assert await shop.value("SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1") == 1


async def test_without_an_optional_right_the_webhooks_are_on_and_say_what_is_not_permitted(
    rt: Runtime, live_server: str, opened: Open
) -> None:
    shop = await opened()
    shop.control(
        "set_scopes", scopes="read_orders,read_all_orders,read_products,read_customers,read_inventory,read_fulfillments"
    )
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert (outcome.state, outcome.detail) == ("registered", "Changes arrive within seconds. Not permitted: returns.")


async def test_a_return_that_is_pushed_is_on_the_order_before_the_next_run(
    rt: Runtime, live_server: str, opened: Open
) -> None:
    shop = await opened()
    await shop.sync("first")
    await register_webhooks(rt, shop.org, shop.connection_id)
    order = next(each for each in shop.store.orders.values() if each.completed and each.lines and not each.refunds)
    stated = f"SELECT returns->-1->>'status' FROM orders WHERE connection_id = $1 AND external_id = '{order.id}'"
    assert await shop.value(stated) is None
    async with working(rt):
        shop.control("return_order", order=order.id, state="open")

        async def arrived() -> bool:
            return await shop.value(stated) == "open"

        await until(arrived, 15)
