from __future__ import annotations

import pytest

from portal.connectors.shopify.manifest import MANIFEST
from portal.foundation.errors import Forbidden
from portal.sandbox import Sandbox
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import Connect

URL = "https://portal.example/webhooks/shopify/abc"


async def test_every_topic_is_subscribed_once_however_often_it_is_asked(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    for _ in range(2):
        assert tuple(await connector.register_webhooks(URL, "unused")) == MANIFEST.webhook_topics
    assert {hook.topic for hook in shop.webhooks.values()} == {
        topic.replace("/", "_").upper() for topic in MANIFEST.webhook_topics
    }
    assert len(shop.webhooks) == len(MANIFEST.webhook_topics)
    assert {hook.delivery_url for hook in shop.webhooks.values()} == {URL}


async def test_a_portal_that_moved_takes_its_subscriptions_along(shop: Store, connect: Connect) -> None:
    await connect(shop).register_webhooks("https://old.example/webhooks/shopify/abc", "unused")
    await connect(shop).register_webhooks(URL, "unused")
    assert {hook.delivery_url for hook in shop.webhooks.values()} == {URL}
    assert len(shop.webhooks) == len(MANIFEST.webhook_topics)


async def test_subscriptions_of_others_are_left_alone(shop: Store, connect: Connect) -> None:
    await connect(shop).register_webhooks("https://portal.example/webhooks/shopify/other", "unused")
    await connect(shop).register_webhooks(URL, "unused")
    assert len(shop.webhooks) == 2 * len(MANIFEST.webhook_topics)


async def test_a_second_subscription_to_a_topic_is_removed(shop: Store, connect: Connect) -> None:
    await connect(shop).register_webhooks(URL, "unused")
    await connect(shop).register_webhooks("https://twin.example/webhooks/shopify/twin", "unused")
    for hook in shop.webhooks.values():
        hook.delivery_url = hook.delivery_url.replace(
            "twin.example/webhooks/shopify/twin", "x.example/webhooks/shopify/abc"
        )
    await connect(shop).register_webhooks(URL, "unused")
    assert len(shop.webhooks) == len(MANIFEST.webhook_topics)


async def test_topics_of_what_the_app_may_not_read_are_left_out(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_scopes", scopes="read_orders,read_products")
    topics = await connect(shop).register_webhooks(URL, "unused")
    assert "orders/create" in topics
    assert not [topic for topic in topics if topic.startswith(("customers/", "inventory_levels/"))]


async def test_an_address_that_shopify_refuses_is_an_error(shop: Store, connect: Connect) -> None:
    with pytest.raises(Exception, match="Address is invalid"):
        await connect(shop).register_webhooks("ftp://portal.example/webhooks/shopify/abc", "unused")


async def test_a_shop_that_refuses_says_so(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="403", times=50)
    with pytest.raises(Forbidden):
        await connect(shop).register_webhooks(URL, "unused")
