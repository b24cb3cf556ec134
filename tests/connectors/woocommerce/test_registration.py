from __future__ import annotations

import pytest

from portal.connectors.woocommerce.manifest import MANIFEST
from portal.foundation.errors import Forbidden
from portal.sandbox.store import Store
from tests.connectors.conftest import Connect

URL = "https://portal.example.test/webhooks/woocommerce/token-1"


async def test_every_topic_gets_one_active_webhook(shop: Store, connect: Connect) -> None:
    active = await connect(shop).register_webhooks(URL, "secret-1")
    assert {"order.created", "order.updated", "order.deleted", "product.updated"} <= set(active)
    assert set(active) <= set(MANIFEST.webhook_topics)
    hooks = list(shop.webhooks.values())
    assert sorted(hook.topic for hook in hooks) == sorted(active), "topics the shop does not know are left out"
    assert {(hook.delivery_url, hook.status, hook.secret) for hook in hooks} == {(URL, "active", "secret-1")}


async def test_registering_again_repairs_and_doubles_nothing(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    await connector.register_webhooks(URL, "secret-1")
    first, second, third, *_ = shop.webhooks.values()
    first.status = "disabled"
    second.secret = "lost"
    third.delivery_url = URL.replace("portal.example.test", "old.example.test")
    before = set(shop.webhooks)
    await connector.register_webhooks(URL, "secret-2")
    assert set(shop.webhooks) == before
    assert {(h.delivery_url, h.status, h.secret) for h in shop.webhooks.values()} == {(URL, "active", "secret-2")}


async def test_webhooks_of_others_are_left_alone(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    other = "https://elsewhere.example.test/hook"
    await connector.client.send("POST", "webhooks", {"topic": "order.created", "delivery_url": other, "secret": "x"})
    await connector.register_webhooks(URL, "secret-1")
    theirs = [hook for hook in shop.webhooks.values() if hook.delivery_url == other]
    assert [(hook.status, hook.secret) for hook in theirs] == [("active", "x")]


async def test_a_second_webhook_for_one_topic_is_disabled(shop: Store, connect: Connect) -> None:
    connector = connect(shop)
    for _ in range(2):
        await connector.client.send("POST", "webhooks", {"topic": "order.created", "delivery_url": URL, "secret": "x"})
    await connector.register_webhooks(URL, "secret-1")
    states = sorted(hook.status for hook in shop.webhooks.values() if hook.topic == "order.created")
    assert states == ["active", "disabled"]


async def test_a_read_only_key_is_forbidden_with_advice(shop: Store, connect: Connect) -> None:
    keys = {"consumer_key": shop.spec.readonly_key, "consumer_secret": shop.spec.readonly_secret}
    with pytest.raises(Forbidden) as wrong:
        await connect(shop, **keys).register_webhooks(URL, "secret-1")
    assert "Read/Write" in wrong.value.advice
