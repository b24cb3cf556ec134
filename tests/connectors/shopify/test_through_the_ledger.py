"""A Shopify store on the whole road: engine, ledger, webhooks. What the ledger holds equals the store's truth to the cent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from portal.connectors.shopify import history
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.sandbox.shopify.gate import access_token, client_secret
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.registration import register_webhooks
from portal.tenancy.scope import platform, tenant
from tests.connectors.shopify.conftest import app, credentials, spec
from tests.sync.conftest import QUICK, Shop
from tests.sync.test_worker import until, working

Open = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def own_sandbox() -> AsyncIterator[Sandbox]:
    """A store of 120 orders that a test may change."""
    async with Sandbox([spec(orders=120, seed=8), spec("other", orders=30, seed=9)]) as running:
        yield running


@pytest.fixture
async def shop(rt: Runtime, org: UUID, own_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """`await shop()`: a connection of `org` to the store; `by_app` with client id and secret; keywords replace fields."""
    async with platform(rt.database, "test: lift the rate") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('shopify', 5000, 5000)"
            " ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 5000, burst = 5000"
        )
    outbound = OutboundClient(allow=[own_sandbox.url.removeprefix("http://")], base_urls={"shopify": own_sandbox.url})
    monkeypatch.setattr(rt, "outbound", outbound)
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"demo": True}))

    async def make(*, by_app: bool = False, **fields: str) -> Shop:
        store = own_sandbox.store("shop")
        given = credentials(store, **(app(store) if by_app else {}), **fields)
        async with tenant(rt.database, org) as scope:
            connection_id = await stores.create_connection(
                rt,
                scope,
                org_id=org,
                platform="shopify",
                name=f"Store {uuid4().hex[:6]}",
                credentials=stores.validate_credentials("shopify", given),
                frequency="hourly",
                created_by=None,
            )
            await scope.sql.execute(
                "UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour' WHERE id = $1",
                connection_id,
            )
            await scope.sql.execute("UPDATE organizations SET timezone = $2 WHERE id = $1", org, store.spec.timezone)
        return Shop(rt, own_sandbox, "shop", org, connection_id)

    yield make
    await own_sandbox.courier("shop").settled()
    await outbound.close()
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
    async with platform(rt.database, "test: lower the rate") as scope:
        await scope.sql.execute("DELETE FROM api_platform_configs WHERE platform_type = 'shopify'")


async def test_a_backfill_equals_the_stores_truth_to_the_cent(shop: Open) -> None:
    opened = await shop()
    assert await opened.sync("first") is Outcome.SUCCESS
    await opened.assert_equal_to_truth()
    run = await opened.last_run()
    assert (run["status"], run["rows_rejected"]) == ("success", 0)
    assert await opened.value("SELECT count(*) FROM orders WHERE connection_id = $1 AND is_test") > 0
    assert await opened.value("SELECT count(DISTINCT currency) FROM orders WHERE connection_id = $1") == 1


async def test_reading_everything_again_changes_nothing(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    async with tenant(opened.rt.database, opened.org) as scope:
        await scope.sql.execute("DELETE FROM sync_cursors")
    assert await opened.sync() is Outcome.SUCCESS
    assert (await opened.last_run())["rows_changed"] == 0
    await opened.assert_equal_to_truth()


async def test_the_next_run_brings_what_changed(shop: Open) -> None:
    opened = await shop(by_app=True)
    await opened.sync("first")
    opened.control("place_order", total="12.34")
    opened.control("place_order", lines=2, currency="USD")
    opened.control("place_order", total="99.99", test="yes")
    opened.control("refund")
    opened.control("refund", order=int(str(opened.control("place_order", total="50.00")["order_id"])), amount="5.00")
    opened.control("cancel_order")
    opened.control("fulfil_order")
    opened.control("bulk_edit", count=20, status="completed")
    opened.control("sell_out")
    opened.control("expire_tokens")
    assert await opened.sync("schedule") is Outcome.SUCCESS
    await opened.assert_equal_to_truth()


async def test_a_run_that_is_killed_in_the_middle_of_an_export_is_finished_by_the_next(
    shop: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROOTS", 15)
    opened = await shop()
    run_id = await opened.request("first")
    task = asyncio.create_task(engine.run(opened.rt, opened.org, opened.connection_id, run_id, patience=QUICK))

    async def begun() -> bool:
        return int(await opened.value("SELECT count(*) FROM orders WHERE connection_id = $1")) >= 15

    await until(begun, 20)
    task.cancel()  # as good as a kill: nothing of the process is left but what was committed
    await asyncio.gather(task, return_exceptions=True)
    async with tenant(opened.rt.database, opened.org) as scope:
        held = await scope.sql.fetchval("SELECT count(*) FROM orders WHERE connection_id = $1", opened.connection_id)
        await scope.sql.execute("UPDATE client_api_credentials SET lease_owner = NULL, lease_until = NULL")
        await scope.sql.execute("UPDATE client_api_sync_results SET status = 'failed' WHERE run_id = $1", run_id)
    assert 0 < held < len(opened.store.orders)
    assert await opened.sync() is Outcome.SUCCESS
    await opened.assert_equal_to_truth()
    exports = opened.sandbox.sites[0].api.exports.all.values()  # type: ignore[attr-defined]
    assert sum("lineItems" in each.query for each in exports) == 1


async def test_faults_of_every_kind_end_in_the_truth(shop: Open) -> None:
    opened = await shop()
    for kind in ("throttled", "502", "internal", "cut", "truncated", "429"):
        opened.control("fault", kind=kind, times=1, retry_after=0)
    opened.control("fault", kind="cut", path="_exports")
    opened.control("fail_bulk", times=1)
    for _ in range(4):
        if await opened.sync() is Outcome.SUCCESS:
            break
    opened.control("clear_faults")
    assert await opened.sync() is Outcome.SUCCESS
    await opened.assert_equal_to_truth()


async def test_an_order_deleted_without_a_word_is_found_by_comparing_ids(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    opened.control("delete_order", order=list(opened.store.orders)[40])
    assert await opened.sync() is Outcome.SUCCESS
    await opened.assert_equal_to_truth()


async def test_orders_that_left_the_sixty_days_are_not_taken_for_deleted(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    opened.control("set_scopes", scopes="read_orders,read_products,read_customers,read_inventory")
    assert await opened.sync() is Outcome.SUCCESS
    await opened.assert_equal_to_truth()


async def test_an_empty_shop_where_there_were_orders_is_not_believed(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    opened.store.orders.clear()
    opened.store.refunds.clear()
    async with tenant(opened.rt.database, opened.org) as scope:
        await scope.sql.execute("DELETE FROM sync_cursors")
    assert await opened.sync() is Outcome.FAILED
    assert (await opened.last_run())["error_code"] == "PLATFORM_EMPTY"


async def test_another_domain_reads_everything_anew(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    other = opened.sandbox.store("other")
    async with tenant(opened.rt.database, opened.org) as scope:
        connection = await stores.load(scope, opened.connection_id)
        await stores.replace_credentials(opened.rt, scope, connection, credentials(other))
        assert (
            await scope.sql.fetchval("SELECT count(*) FROM sync_cursors WHERE connection_id = $1", connection.id) == 0
        )


async def test_a_push_and_a_page_give_the_same_row(rt: Runtime, live_server: str, shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    outcome = await register_webhooks(rt, opened.org, opened.connection_id)
    assert outcome.state == "registered", outcome
    async with working(rt):
        await asyncio.sleep(0.3)
        opened.control("double_deliveries", times=4)
        placed = str(opened.control("place_order", total="77.77")["order_id"])
        paid = str(opened.control("place_order", total="31.00")["order_id"])
        opened.control("refund", order=int(paid), amount="1.00")
        opened.control("sell_out")
        opened.control("delete_order", order=list(opened.store.orders)[3])

        async def arrived() -> bool:
            return bool(
                await opened.value(
                    "SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1 AND processed_at IS NULL"
                )
                == 0
                and await opened.value(
                    f"SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '{placed}'"
                )
                and await opened.value(f"SELECT count(*) FROM refunds WHERE connection_id = $1 AND order_id = '{paid}'")
            )

        await opened.sandbox.courier("shop").settled()
        await until(arrived, 15)
    await opened.assert_equal_to_truth()
    before = await opened.value("SELECT version FROM tenant_versions WHERE $1 > 0")
    assert await opened.sync("schedule") is Outcome.SUCCESS
    assert await opened.value("SELECT version FROM tenant_versions WHERE $1 > 0") == before, "the page says the same"


async def test_two_deliveries_of_one_id_are_one_and_a_wrong_signature_is_none(
    rt: Runtime, live_server: str, shop: Open, client: object
) -> None:
    from tests.visitors import Visitor

    assert isinstance(client, Visitor)
    opened = await shop()
    await register_webhooks(rt, opened.org, opened.connection_id)
    token = (await opened.connection())["public_token"]
    body = json.dumps({"id": 17}).encode()
    secret = client_secret(opened.store.spec)
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
    assert await opened.value("SELECT count(*) FROM webhook_deliveries WHERE connection_id = $1") == 1
    wrong = {**headers, "X-Shopify-Hmac-Sha256": signature[::-1], "X-Shopify-Webhook-Id": "w2"}
    assert (await client.post(f"/webhooks/shopify/{token}", data=body, headers=wrong)).status == 401


async def test_without_the_apps_secret_no_webhook_is_asked_for(rt: Runtime, live_server: str, shop: Open) -> None:
    opened = await shop(client_secret="")
    outcome = await register_webhooks(rt, opened.org, opened.connection_id)
    assert outcome.state == "not_permitted"
    assert "API secret key" in outcome.detail
    assert not opened.store.webhooks


async def test_an_uninstalled_app_is_said_on_the_stores_page(rt: Runtime, live_server: str, shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    await register_webhooks(rt, opened.org, opened.connection_id)
    async with working(rt):
        await asyncio.sleep(0.3)
        opened.control("uninstall")

        async def said() -> bool:
            return "access token" in ((await opened.connection())["last_error"] or "")

        await until(said, 15)


async def test_no_token_is_written_anywhere_but_sealed(shop: Open) -> None:
    opened = await shop()
    await opened.sync("first")
    async with tenant(opened.rt.database, opened.org) as scope:
        kept = await scope.sql.fetchval(
            "SELECT string_agg(c::text, ' ') FROM (SELECT settings::text, last_test::text, last_error FROM client_api_credentials"
            " UNION ALL SELECT cursor::text, stream, phase FROM sync_cursors) c"
        )
    assert access_token(opened.store.spec) not in kept
    assert client_secret(opened.store.spec) not in kept
