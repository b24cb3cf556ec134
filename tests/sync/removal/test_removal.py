"""Removing a store: hidden and uncounted at once, taken away in parts, and nothing of it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.removal import clearing
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import platform, tenant
from tests.sync.conftest import QUICK, Connect, Shop
from tests.visitors import Answer, Visitor

SignIn = Callable[..., Awaitable[Visitor]]
# Whatever may hold rows of a connection, by its own name for it.
EVERYWHERE = """
SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'connection_id' AND t.table_type = 'BASE TABLE' AND c.table_name <> 'removals'
"""


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> AsyncIterator[Shop]:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    await forget_removals(shop.rt)
    yield shop
    await forget_removals(shop.rt)


async def forget_removals(rt: Runtime) -> None:
    """No worker of one test finds what another test asked to remove."""
    async with platform(rt.database, "test: removals of other tests") as scope:
        await scope.sql.execute("DELETE FROM removals")


async def name_of(shop: Shop) -> str:
    return str((await shop.connection())["connection_name"])


async def remove(visitor: Visitor, shop: Shop, typed: str | None = None) -> Answer:
    return await visitor.submit(
        f"/stores/{shop.connection_id}/remove", {"name": await name_of(shop) if typed is None else typed}
    )


async def left(rt: Runtime, connection_id: int) -> dict[str, int]:
    """table -> rows of the connection, where there are any."""
    async with platform(rt.database, "test: what is left", read_only=True) as scope:
        tables = [row["table_name"] for row in await scope.sql.fetch(EVERYWHERE)]
        assert {"orders", "glances", "webhook_deliveries", "fees"} <= set(tables)
        counts = {
            table: await scope.sql.fetchval(f"SELECT count(*) FROM {table} WHERE connection_id = $1", connection_id)
            for table in tables
        }
    return {table: count for table, count in counts.items() if count}


async def removals(shop: Shop) -> list[dict[str, Any]]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return [dict(row) for row in await scope.sql.fetch("SELECT * FROM removals ORDER BY id")]


async def test_the_page_says_what_goes_and_wants_the_name(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    page = await owner.page(f"/stores/{shop.connection_id}/remove")
    assert page.status == 200
    assert "Totals of past days get smaller" in page.text
    assert "webhooks at the store" in page.text
    for typed in ("", "another name", (await name_of(shop)).upper()):
        refused = await remove(owner, shop, typed)
        assert refused.status == 422, typed
    assert await removals(shop) == []
    assert (await owner.page(f"/stores/{shop.connection_id}")).status == 200


async def test_members_and_strangers_cannot_remove(sign_in: SignIn, shop: Shop, other_org: UUID) -> None:
    for role, org, status in (("member", shop.org, 403), ("operator", shop.org, 403), ("owner", other_org, 404)):
        visitor = await sign_in(role, org)
        assert (await visitor.page(f"/stores/{shop.connection_id}/remove")).status == status
        assert (await remove(visitor, shop)).status == status
    assert await removals(shop) == []


async def test_it_is_hidden_and_uncounted_before_a_row_is_deleted(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    order = await shop.value(
        "SELECT external_id FROM orders WHERE connection_id = $1 ORDER BY business_at DESC LIMIT 1"
    )
    assert (await owner.page(f"/orders/{shop.connection_id}/{order}")).status == 200
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        version = await scope.sql.fetchval("SELECT version FROM tenant_versions")
    name = await name_of(shop)
    answer = await remove(owner, shop)
    assert (answer.status, answer.location) == (303, "/stores")
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1") > 0
    for path in ("", "/health", "/proof", "/deliveries", "/credentials", "/parity", "/remove"):
        assert (await owner.page(f"/stores/{shop.connection_id}{path}")).status == 404, path
    assert (await owner.page(f"/orders/{shop.connection_id}/{order}")).status == 404
    assert (await owner.page(f"/dashboard?store={shop.connection_id}")).status == 404
    assert order not in (await owner.page("/orders")).text
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        assert await scope.sql.fetchval("SELECT count(*) FROM v_picture") == 0
        assert await scope.sql.fetchval("SELECT count(*) FROM client_api_credentials") == 0
        assert await scope.sql.fetchval("SELECT version FROM tenant_versions") > version
    listed = (await owner.page("/stores")).text
    assert "Being removed" in listed
    assert f'href="/stores/{shop.connection_id}"' not in listed
    async with platform(shop.rt.database, "test", read_only=True) as scope:
        assert (
            await scope.sql.fetchval("SELECT 1 FROM client_api_credentials WHERE id = $1", shop.connection_id) is None
        )
    again = await owner.submit(f"/stores/{shop.connection_id}/remove", {"name": name})
    assert again.status == 404


async def test_the_worker_leaves_nothing_behind_and_says_so(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    name = await name_of(shop)
    await remove(owner, shop)
    assert await clearing.clear(shop.rt) == 1
    assert await left(shop.rt, shop.connection_id) == {}
    (row,) = await removals(shop)
    assert row["finished_at"] is not None
    assert row["rows_done"] == row["rows_total"] > 60
    page = (await owner.page("/stores")).text
    assert "rows deleted" in page
    audit = (await owner.page("/audit")).text
    assert "store.remove" in audit
    assert "store.removed" in audit
    assert await clearing.clear(shop.rt) == 0
    # The name is free, and the same store comes back whole.
    async with tenant(shop.rt.database, shop.org) as scope:
        spec = shop.store.spec
        given = {
            "site_url": shop.store.site_url,
            "consumer_key": spec.consumer_key,
            "consumer_secret": spec.consumer_secret,
        }
        again = await stores.create_connection(
            shop.rt, scope, org_id=shop.org, platform="woocommerce", name=name,
            credentials=stores.validate_credentials("woocommerce", given), frequency="hourly", created_by=None,
        )  # fmt: skip
    anew = Shop(shop.rt, shop.sandbox, shop.name, shop.org, again)
    assert await anew.sync("first") is Outcome.SUCCESS
    await anew.assert_equal_to_truth()


async def test_the_name_is_free_while_the_rows_are_still_going(sign_in: SignIn, shop: Shop) -> None:
    name = await name_of(shop)
    await remove(await sign_in("owner", shop.org), shop)
    async with tenant(shop.rt.database, shop.org) as scope:
        await stores.create_connection(
            shop.rt, scope, org_id=shop.org, platform="woocommerce", name=name, credentials={"site_url": "https://a.example"},
            frequency="hourly", created_by=None,
        )  # fmt: skip


async def test_a_worker_that_dies_is_taken_over_from_where_it_was(
    sign_in: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "_PART", 5)
    await remove(await sign_in("owner", shop.org), shop)
    part_is_gone, tell = asyncio.Event(), clearing._tell

    async def die(*_: object) -> None:
        part_is_gone.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(clearing, "_tell", die)  # between the first part's commit and the next part
    dying = asyncio.create_task(clearing.clear(shop.rt))
    await asyncio.wait_for(part_is_gone.wait(), 30)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    monkeypatch.setattr(clearing, "_tell", tell)
    half = (await removals(shop))[0]
    assert half["rows_done"] > 0
    assert half["finished_at"] is None
    assert await clearing.clear(shop.rt) == 0  # the dead one's lease still holds
    async with platform(shop.rt.database, "test: the dead one's lease ends") as scope:
        await scope.sql.execute("UPDATE removals SET lease_until = clock_timestamp() - interval '1 second'")
    assert await clearing.clear(shop.rt) == 1
    assert await left(shop.rt, shop.connection_id) == {}
    assert (await removals(shop))[0]["rows_done"] >= half["rows_done"]


async def test_two_workers_do_not_remove_the_same_store(sign_in: SignIn, shop: Shop) -> None:
    await remove(await sign_in("owner", shop.org), shop)
    assert sorted(await asyncio.gather(clearing.clear(shop.rt), clearing.clear(shop.rt))) == [0, 1]
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        said = await scope.sql.fetchval("SELECT count(*) FROM audit_entries WHERE action = 'store.removed'")
    assert said == 1


async def test_a_sync_under_way_ends_and_writes_nothing_more(
    sign_in: SignIn, own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    run_id = await shop.request("first")
    shop.control("fault", kind="slow", seconds=2, times=1, path="orders")
    running = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK))
    async with asyncio.timeout(10):
        while (await shop.last_run())["status"] != "running":
            await asyncio.sleep(0.02)
    await remove(await sign_in("owner", shop.org), shop)
    assert await clearing.clear(shop.rt) == 1
    assert await running is Outcome.LOST
    assert await left(shop.rt, shop.connection_id) == {}


async def test_webhooks_are_taken_away_at_the_store(
    sign_in: SignIn, shop: Shop, live_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.rt, "settings", shop.rt.settings.model_copy(update={"demo": True}))
    assert (await register_webhooks(shop.rt, shop.org, shop.connection_id)).state == "registered"
    connector = await stores.open_connector(shop.rt, shop.org, shop.connection_id)
    token = (await shop.connection())["public_token"]
    url = f"{live_server}/webhooks/woocommerce/{token}"
    assert await connector.webhooks_there(url)
    await remove(await sign_in("owner", shop.org), shop)
    await clearing.clear(shop.rt)
    assert not await connector.webhooks_there(url)
    assert "webhooks were removed at the store" in (await removals(shop))[0]["webhooks"]
    await shop.sandbox.courier("shop").settled()


async def test_a_store_that_refuses_is_removed_all_the_same_and_it_is_said_what_stayed(
    sign_in: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.rt, "settings", shop.rt.settings.model_copy(update={"demo": True}))
    shop.control("revoke_keys")
    owner = await sign_in("owner", shop.org)
    await remove(owner, shop)
    assert await clearing.clear(shop.rt) == 1
    assert "may be left at the store" in (await owner.page("/stores")).text
    shop.control("restore_keys")


async def test_every_table_of_a_connection_is_emptied_in_parts_or_by_its_own_reference(rt: Runtime) -> None:
    async with platform(rt.database, "test: tables", read_only=True) as scope:
        tables = {row["table_name"] for row in await scope.sql.fetch(EVERYWHERE)}
        falling = await scope.sql.fetch(
            """SELECT conrelid::regclass::text AS name FROM pg_constraint
               WHERE confrelid = 'client_api_credentials'::regclass AND confdeltype = 'c'"""
        )
    assert tables <= set(clearing._TABLES) | {row["name"] for row in falling}
