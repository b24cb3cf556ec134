"""A Shopify store on the whole road: engine and ledger. What the ledger holds equals the store's truth to the cent."""

from __future__ import annotations

import asyncio

import pytest

from portal.connectors.shopify import history
from portal.sandbox.basket import charge
from portal.sandbox.changes import delete_product
from portal.sandbox.shopify.gate import access_token, client_secret
from portal.stores import service as stores
from portal.sync import ahead, engine
from portal.sync.engine import Outcome
from portal.sync.proof.outcomes import latest
from portal.tenancy.scope import tenant
from tests.connectors.shopify.conftest import Open, credentials
from tests.sync.conftest import QUICK
from tests.sync.test_worker import until


async def test_a_backfill_equals_the_stores_truth_to_the_cent(opened: Open) -> None:
    shop = await opened()
    assert await shop.sync("first") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    run = await shop.last_run()
    assert (run["status"], run["rows_rejected"]) == ("success", 0)
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1 AND is_test") > 0
    assert await shop.value("SELECT count(DISTINCT currency) FROM orders WHERE connection_id = $1") == 1


async def test_reading_everything_again_changes_nothing(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM sync_cursors")
    assert await shop.sync() is Outcome.SUCCESS
    assert (await shop.last_run())["rows_changed"] == 0
    await shop.assert_equal_to_truth()


async def test_the_next_run_brings_what_changed(opened: Open) -> None:
    shop = await opened(by_app=True)
    await shop.sync("first")
    shop.control("place_order", total="12.34")
    shop.control("place_order", lines=2, currency="USD")
    shop.control("place_order", total="99.99", test="yes")
    shop.control("refund")
    shop.control("refund", order=int(str(shop.control("place_order", total="50.00")["order_id"])), amount="5.00")
    shop.control("cancel_order")
    shop.control("fulfil_order")
    shop.control("bulk_edit", count=20, status="completed")
    shop.control("sell_out")
    shop.control("expire_tokens")
    assert await shop.sync("schedule") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_days_and_money_are_proven_and_an_edit_without_a_stamp_is_healed(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        found = (await latest(scope, shop.connection_id))["orders"]
    assert found.state == "even"
    assert found.money_ours == found.money_theirs
    assert found.money_theirs
    assert found.days
    assert all(day.even for day in found.days)
    order = next(row for row in shop.store.orders.values() if row.status == "completed" and not row.test)
    order.fee = charge("Nachtrag", 777, order.person._replace(country=""))
    order.settle()
    await shop.sync("manual")
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        found = (await latest(scope, shop.connection_id))["orders"]
    assert (found.state, found.different) == ("healed", 1)
    await shop.assert_equal_to_truth()


async def test_a_run_that_is_killed_in_the_middle_of_an_export_is_finished_by_the_next(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROOTS", 15)
    monkeypatch.setattr(ahead, "MOST_ROWS", 15)  # each part is a commit of its own
    shop = await opened()
    run_id = await shop.request("first")
    task = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK))

    async def begun() -> bool:
        return int(await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1")) >= 15

    await until(begun, 20)
    task.cancel()  # as good as a kill: nothing of the process is left but what was committed
    await asyncio.gather(task, return_exceptions=True)
    async with tenant(shop.rt.database, shop.org) as scope:
        held = await scope.sql.fetchval("SELECT count(*) FROM orders WHERE connection_id = $1", shop.connection_id)
        await scope.sql.execute("UPDATE client_api_credentials SET lease_owner = NULL, lease_until = NULL")
        await scope.sql.execute("UPDATE client_api_sync_results SET status = 'failed' WHERE run_id = $1", run_id)
    assert 0 < held < len(shop.store.orders)
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    exports = shop.sandbox.sites[0].api.exports.all.values()  # type: ignore[attr-defined]
    assert sum("lineItems" in each.query for each in exports) == 1


async def test_faults_of_every_kind_end_in_the_truth(opened: Open) -> None:
    shop = await opened()
    for kind in ("throttled", "502", "internal", "cut", "truncated", "429"):
        shop.control("fault", kind=kind, times=1, retry_after=0)
    shop.control("fault", kind="cut", path="_exports")
    shop.control("fail_bulk", times=1)
    for _ in range(4):
        if await shop.sync() is Outcome.SUCCESS:
            break
    shop.control("clear_faults")
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_an_order_deleted_without_a_word_is_found_by_comparing_ids(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    shop.control("delete_order", order=list(shop.store.orders)[40])
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_a_deleted_variant_is_gone_with_the_next_reading_of_its_product_and_no_comparison(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    family = next(each for each in shop.store.products.values() if len(each.variations) > 1)
    lost, kept = family.variations[0], family.variations[1:]
    delete_product(shop.store, lost)
    family.modified = shop.store.clock.now()  # Shopify tells it by products/update of the product
    assert await shop.sync("schedule") is Outcome.SUCCESS
    ask = "SELECT count(*) FROM products WHERE connection_id = $1 AND deleted_at IS {} NULL AND parent_id = '{}'"
    assert await shop.value(ask.format("NOT", family.id)) == 1
    assert await shop.value(ask.format("", family.id)) == len(kept)


async def test_orders_that_left_the_sixty_days_are_not_taken_for_deleted(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    shop.control("set_scopes", scopes="read_orders,read_products,read_customers,read_inventory")
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_an_empty_shop_where_there_were_orders_is_not_believed(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    shop.store.orders.clear()
    shop.store.refunds.clear()
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM sync_cursors")
    assert await shop.sync() is Outcome.FAILED
    assert (await shop.last_run())["error_code"] == "PLATFORM_EMPTY"


async def test_another_domain_reads_everything_anew(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    other = shop.sandbox.store("other")
    async with tenant(shop.rt.database, shop.org) as scope:
        connection = await stores.load(scope, shop.connection_id)
        await stores.replace_credentials(shop.rt, scope, connection, credentials(other))
        assert (
            await scope.sql.fetchval("SELECT count(*) FROM sync_cursors WHERE connection_id = $1", connection.id) == 0
        )


async def test_no_token_is_written_anywhere_but_sealed(opened: Open) -> None:
    shop = await opened()
    await shop.sync("first")
    async with tenant(shop.rt.database, shop.org) as scope:
        kept = await scope.sql.fetchval(
            "SELECT string_agg(c::text, ' ') FROM (SELECT settings::text, last_test::text, last_error FROM client_api_credentials"
            " UNION ALL SELECT cursor::text, stream, phase FROM sync_cursors) c"
        )
    assert access_token(shop.store.spec) not in kept
    assert client_secret(shop.store.spec) not in kept
