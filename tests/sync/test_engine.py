"""Runs against a sandbox store over real HTTP, without a worker around them."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.stores import service as stores
from portal.sync.engine import Outcome
from portal.sync.progress import decode
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect


async def test_a_backfill_equals_the_stores_truth_to_the_cent(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox)
    assert await shop.sync("first") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    run = await shop.last_run()
    assert run["status"] == "success"
    assert run["rows_fetched"] > 230
    assert run["rows_changed"] > 230
    progress = decode(run["progress"])
    assert {each.phase for each in progress.values()} == {"done"}
    assert progress["orders"].done >= 230


async def test_a_second_run_changes_nothing(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox)
    await shop.sync("first")
    version = await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0")
    assert await shop.sync() is Outcome.SUCCESS
    assert (await shop.last_run())["rows_changed"] == 0
    assert await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0") == version


async def test_reading_everything_again_changes_nothing(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox)
    await shop.sync("first")
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM sync_cursors")
    assert await shop.sync() is Outcome.SUCCESS
    assert (await shop.last_run())["rows_changed"] == 0
    await shop.assert_equal_to_truth()


async def test_the_next_run_brings_what_changed(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    shop.control("place_order", total="12.34")
    shop.control("place_order", lines=2)
    shop.control("refund")
    shop.control("edit_order", status="completed")
    shop.control("trash")
    shop.control("bulk_edit", count=20, status="completed")
    assert await shop.sync("schedule") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_success_sets_the_next_time_by_frequency_and_clears_errors(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox, "empty")
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET status = 'error', last_error = 'old', consecutive_failures = 3"
        )
    assert await shop.sync() is Outcome.SUCCESS
    connection = await shop.connection()
    assert connection["status"] == "active"
    assert connection["last_error"] is None
    assert connection["consecutive_failures"] == 0
    assert connection["lease_owner"] is None
    wait = connection["next_sync_at"] - connection["last_success_at"]
    assert 0.9 * 3600 < wait.total_seconds() < 1.1 * 3600


async def test_a_store_that_is_suddenly_empty_is_not_believed(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox)
    await shop.sync("first")
    empty = sandbox.store("empty")
    async with tenant(shop.rt.database, shop.org) as scope:
        connection = await stores.load(scope, shop.connection_id)
        values = await stores.credentials(shop.rt, scope, connection)
        other = {
            "site_url": empty.site_url,
            "consumer_key": empty.spec.consumer_key,
            "consumer_secret": empty.spec.consumer_secret,
        }
        await stores.replace_credentials(shop.rt, scope, connection, {**values, **other})
    assert await shop.sync() is Outcome.FAILED
    run = await shop.last_run()
    assert run["error_code"] == "PLATFORM_EMPTY"
    assert "no orders" in run["error"]
    assert "right store" in run["advice"]
    assert (await shop.held()) == shop.true()


async def test_rows_that_cannot_be_mapped_are_listed_and_leave_the_list_when_right(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    wrong = shop.control("place_order", total="5.00", currency="QQQ")["order_id"]
    assert await shop.sync("first") is Outcome.SUCCESS
    assert (await shop.last_run())["rows_rejected"] >= 1
    listed = await shop.row("SELECT stream, external_id, reason FROM sync_rejects WHERE connection_id = $1")
    assert (listed["stream"], listed["external_id"]) == ("orders", str(wrong))
    assert "QQQ" in listed["reason"]
    shop.store.orders[wrong].currency = "EUR"
    shop.control("edit_order", order=wrong, note="mended")
    assert await shop.sync() is Outcome.SUCCESS
    assert await shop.value("SELECT count(*) FROM sync_rejects WHERE connection_id = $1") == 0
    await shop.assert_equal_to_truth()


@pytest.mark.parametrize("created", ["1970-01-01T00:00:10Z", "2100-06-01T12:00:00Z"])
async def test_an_order_of_an_impossible_year_disturbs_nothing(
    own_sandbox: Sandbox, connect: Connect, created: str
) -> None:
    shop = await connect(own_sandbox)
    shop.control("place_order", total="5.00", created=created)
    assert await shop.sync("first") is Outcome.SUCCESS
    taken = await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1")
    refused = await shop.value("SELECT count(*) FROM sync_rejects WHERE connection_id = $1")
    assert taken + refused == sum(1 for order in shop.store.orders.values() if order.status != "checkout-draft")
    assert await shop.sync() is Outcome.SUCCESS


async def test_a_pause_ends_the_run_after_its_page(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    run_id = await shop.request("first")
    async with tenant(shop.rt.database, shop.org) as scope:
        await stores.pause(scope, shop.connection_id)
    from portal.sync import engine

    assert await engine.run(shop.rt, shop.org, shop.connection_id, run_id) is Outcome.LOST
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1") == 0


async def test_an_optional_stream_without_permission_is_told_not_failed(
    rt: Runtime, org: UUID, own_sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.connectors.woocommerce.connector import WooCommerceConnector
    from portal.foundation.errors import Forbidden

    true_page = WooCommerceConnector.page

    async def page(self: WooCommerceConnector, stream: str, cursor: object) -> object:
        if stream == "customers":
            raise Forbidden("The key may not read customers.", "Give it the right.")
        return await true_page(self, stream, cursor)  # type: ignore[arg-type]

    monkeypatch.setattr(WooCommerceConnector, "page", page)
    shop = await connect(own_sandbox)
    assert await shop.sync("first") is Outcome.SUCCESS
    assert decode((await shop.last_run())["progress"])["customers"].phase == "not_permitted"
    await shop.assert_equal_to_truth()
