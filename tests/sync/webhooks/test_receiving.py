"""Deliveries over real HTTP: verified, kept once, answered, and in the ledger within a second."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.sync.housekeeping import keep_house
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.hooks import address, deliver
from tests.sync.test_worker import until, working
from tests.visitors import Visitor


def stored(shop: Shop) -> str:
    return "SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1"


async def all_processed(shop: Shop) -> bool:
    return await shop.value(stored(shop) + " AND processed_at IS NULL") == 0


async def test_an_order_is_in_the_ledger_soon_after_its_webhook_without_waiting_for_a_poll(
    rt: Runtime, shop: Shop
) -> None:
    async with working(rt):
        await asyncio.sleep(0.3)
        placed = shop.control("place_order", total="77.77")["order_id"]

        async def arrived() -> bool:
            return bool(
                await shop.value(f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed}'")
            )

        await until(arrived, 5)
        # Created and updated carry the same body: two deliveries, one change.
        await shop.sandbox.courier("shop").settled()
        await until(lambda: all_processed(shop))
    await shop.assert_equal_to_truth()
    assert (await shop.connection())["last_webhook_at"] is not None


async def test_a_refund_named_by_an_orders_webhook_is_fetched(rt: Runtime, shop: Shop) -> None:
    async with working(rt):
        shop.control("refund")

        async def same() -> bool:
            return await shop.held() == shop.true()

        await until(same, 5)
    assert (await shop.last_run())["trigger"] == "webhook"


async def test_a_trashed_order_leaves_the_revenue(rt: Runtime, shop: Shop) -> None:
    async with working(rt):
        shop.control("trash")

        async def same() -> bool:
            return await shop.rolled_up() == shop.true_revenue()

        await until(same, 5)


async def test_the_ping_of_a_new_webhook_is_answered(client: Visitor, shop: Shop) -> None:
    answer = await client.post(
        await address(shop), data=b"webhook_id=4", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status == 200
    assert await shop.value(stored(shop)) == 0


async def test_a_wrong_signature_is_401_and_nothing_is_stored(client: Visitor, shop: Shop) -> None:
    answer = await deliver(client, shop, b'{"id": 1}', signed_with="guessed")
    assert answer.status == 401
    assert answer.json()["details"]["code"] == "WRONG_SIGNATURE"
    assert await shop.value(stored(shop)) == 0


async def test_an_unsigned_delivery_is_401(client: Visitor, shop: Shop) -> None:
    answer = await client.post(await address(shop), data=b'{"id": 1}', headers={"Content-Type": "application/json"})
    assert answer.status == 401


async def test_an_unknown_address_is_404(client: Visitor, shop: Shop) -> None:
    for path in (
        "/webhooks/woocommerce/0123456789abcdef0123456789abcdef",
        "/webhooks/nothing/0123456789abcdef0123456789abcdef",
        (await address(shop)).replace("woocommerce", "shopify"),
    ):
        assert (await client.post(path, data=b"webhook_id=1")).status == 404


async def test_a_body_over_two_megabytes_is_413(client: Visitor, shop: Shop) -> None:
    body = b'{"id": 1, "note": "' + b"x" * 2_100_000 + b'"}'
    assert (await deliver(client, shop, body)).status == 413
    assert await shop.value(stored(shop)) == 0


async def test_a_duplicate_at_the_same_moment_is_kept_once(client: Visitor, shop: Shop) -> None:
    body = json.dumps({"id": 987654, "status": "processing"}).encode()
    answers = await asyncio.gather(*(deliver(client, shop, body) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert await shop.value(stored(shop)) == 1
    assert await shop.value("SELECT count(*) FROM pgqueuer WHERE $1 > 0 AND entrypoint = 'process_webhooks'") == 1


async def test_a_delivery_that_is_no_order_is_done_with_and_disturbs_nothing(
    rt: Runtime, client: Visitor, shop: Shop
) -> None:
    assert (await deliver(client, shop, b"not json")).status == 200
    assert (await deliver(client, shop, b'{"id": 5, "note": "\\u0000"}', topic="weather.changed")).status == 200
    async with working(rt):
        await until(lambda: all_processed(shop), 5)
    await shop.assert_equal_to_truth()


async def test_a_burst_is_processed_whole(rt: Runtime, shop: Shop) -> None:
    async with working(rt, workers=2):
        for amount in range(40):
            shop.control("place_order", total=f"{amount + 1}.50")
        await shop.sandbox.courier("shop").settled()

        async def same() -> bool:
            return await shop.held() == shop.true()

        await until(same, 60)
        await until(lambda: all_processed(shop))
    assert await shop.value(stored(shop)) == 80


async def test_old_deliveries_are_forgotten_and_never_one_that_waits(
    rt: Runtime, client: Visitor, shop: Shop, org: UUID
) -> None:
    await deliver(client, shop, b'{"id": 1}')
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(
            "UPDATE webhook_deliveries SET state = 'done', processed_at = now() - $1::interval, received_at = now() - $1::interval",
            timedelta(days=8),
        )
    await deliver(client, shop, b'{"id": 2}')
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(
            "UPDATE webhook_deliveries SET received_at = now() - $1::interval WHERE state = 'waiting'",
            timedelta(days=8),
        )
    await keep_house(rt)
    assert (
        await shop.value("SELECT string_agg(state, ',') FROM webhook_deliveries WHERE connection_id = $1") == "waiting"
    )


async def test_a_read_only_key_registers_nothing_and_says_so(
    rt: Runtime, own_sandbox: Sandbox, connect: Connect, live_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"demo": True}))
    spec = own_sandbox.store("shop").spec
    reader = await connect(own_sandbox, consumer_key=spec.readonly_key, consumer_secret=spec.readonly_secret)
    outcome = await register_webhooks(rt, reader.org, reader.connection_id)
    assert outcome.state == "not_permitted"
    assert "Read/Write" in outcome.detail
    assert (await reader.connection())["webhook_topics"] == []


async def test_a_portal_without_a_public_address_registers_nothing(
    rt: Runtime, own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert outcome.state == "not_reachable"
    assert "PORTAL_PUBLIC_URL" in outcome.detail
