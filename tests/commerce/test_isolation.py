"""Another organization sees nothing of it, through any table or view, and can write nothing into it."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, reading, tenant
from tests.commerce.made import NOON, Store, connect, line, order, product, refund

TABLES = (
    "orders", "order_lines", "refunds", "refund_lines", "products", "customers", "coupons", "tax_rates", "fees",
    "early_deletions", "exchange_rates", "daily_sales", "daily_sku_sales", "picture_switches",
)  # fmt: skip
VIEWS = (
    "v_sales_pulse_current", "v_inventory_items", "v_inventory_alerts", "v_inventory_summary", "v_picture", "v_stores_today",
)  # fmt: skip


async def fill(store: Store) -> None:
    await store.write(order(lines=(line(),)), refund(), product(quantity="0"))
    await store.rate("JPY", "0.0066")


async def test_another_organization_sees_no_row(rt: Runtime, store: Store, other_org: UUID):
    await fill(store)
    async with reading(rt.database, other_org) as connection:
        await connection.execute("SELECT set_config('app.now', $1, true)", NOON.isoformat())
        for table in TABLES:
            assert await connection.fetch(f"SELECT * FROM {table}") == [], table
        for view in VIEWS:
            rows = await connection.fetch(f"SELECT * FROM {view}")
            assert all(row["org_id"] == other_org for row in rows), view
            assert not any(row.get("total_revenue") or row.get("total_alerts") for row in rows), view


async def test_no_tenant_means_no_rows(rt: Runtime, store: Store):
    await fill(store)
    async with rt.database.pool().acquire() as connection:
        for name in (*TABLES, *VIEWS):
            assert await connection.fetch(f"SELECT * FROM {name}") == [], name


async def test_every_table_is_forced_to_row_level_security(rt: Runtime):
    async with platform(rt.database, "test") as scope:
        rows = await scope.sql.fetch(
            "SELECT relname FROM pg_class WHERE relname = ANY($1) AND relrowsecurity AND relforcerowsecurity",
            list(TABLES),
        )
    assert {row[0] for row in rows} == set(TABLES)


async def test_nobody_writes_to_a_store_of_another_organization(rt: Runtime, store: Store, other_org: UUID):
    with pytest.raises(Missing):
        await Store(rt, other_org, store.connection_id).write(order())


async def test_a_row_cannot_be_given_to_another_organization(rt: Runtime, store: Store, other_org: UUID):
    await fill(store)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant(rt.database, store.org) as scope:
            await scope.sql.execute("UPDATE orders SET org_id = $1", other_org)


async def test_two_organizations_may_have_the_same_ids(rt: Runtime, store: Store, other_org: UUID):
    await fill(store)
    twin = await connect(rt, other_org)
    await fill(twin)
    await twin.write(order(total="7", version=1))
    assert (await store.net(), await twin.net()) == (70, -23)
