"""What a store deletes for good is found by comparing ids, and nothing else is touched."""

from __future__ import annotations

from portal.sandbox import Sandbox
from portal.sync.engine import Outcome
from tests.sync.conftest import Connect


async def test_force_deleted_orders_and_deleted_refunds_leave_the_totals(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    shop.control("refund")
    await shop.sync("first")
    shop.control("force_delete")
    shop.control("delete_refund")
    shop.control("delete_product")
    assert await shop.sync("manual") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    live = "SELECT count(*) FROM products WHERE connection_id = $1 AND deleted_at IS NULL AND status <> 'trashed'"
    assert await shop.value(live) == len(shop.store.products) + len(shop.store.variations)


async def test_rows_that_the_cursor_never_showed_are_fetched(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    from portal.tenancy.scope import tenant

    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM customers WHERE connection_id = $1", shop.connection_id)
        await scope.sql.execute(
            "UPDATE sync_cursors SET completed_at = CASE WHEN stream NOT LIKE 'ids:%' THEN now() END WHERE connection_id = $1",
            shop.connection_id,
        )
    assert await shop.sync("schedule") is Outcome.SUCCESS
    assert await shop.value("SELECT count(*) FROM customers WHERE connection_id = $1") == len(shop.store.customers)


async def test_a_scheduled_run_compares_once_a_day(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    await shop.sync("schedule")
    shop.control("force_delete")
    await shop.sync("schedule")
    assert await shop.held() != shop.true()
    await shop.sync("manual")
    await shop.assert_equal_to_truth()


async def test_a_store_whose_comparison_fails_keeps_what_its_streams_brought(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    shop.control("place_order", total="4.00")

    async def ids(self: object, stream: str, cursor: object) -> object:
        from portal.foundation.errors import Temporary

        raise Temporary("No list of ids today.")

    from portal.connectors.woocommerce.connector import WooCommerceConnector

    true_ids, WooCommerceConnector.ids = WooCommerceConnector.ids, ids  # type: ignore[assignment, method-assign]
    try:
        assert await shop.sync() is Outcome.SUCCESS
    finally:
        WooCommerceConnector.ids = true_ids  # type: ignore[method-assign]
    await shop.assert_equal_to_truth()
