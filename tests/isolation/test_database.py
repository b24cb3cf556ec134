"""PostgreSQL itself keeps tenants apart: forced row-level security on every tenant table, a login role that cannot pass it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, reading, tenant
from tests.isolation.planting import Planted, tenant_tables

SHARED = {
    "users": "identities belong to several organizations",
    "sessions": "belong to a user",
    "refresh_tokens": "belong to a user",
    "api_platform_configs": "the agency's",
    "published_rates": "of the configured source, the same for all",
    "rate_source": "how it fares",
}
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)


async def test_the_login_role_owns_nothing_and_bypasses_nothing(rt: Runtime) -> None:
    async with rt.database.pool().acquire() as connection:
        role = await connection.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert not any(role.values())
        owned = await connection.fetch("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")
        assert not owned
        reached = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')"
        )
        assert not reached, "the login role can become a role that passes row-level security"


async def test_row_level_security_is_forced_on_every_table_with_an_organization(admin: Any) -> None:
    rows = await admin.fetch(
        """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
             EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id') AS tenant
           FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
             AND has_table_privilege('portal_app', c.oid, 'SELECT')"""
    )
    assert len(rows) > 20
    for row in rows:
        name = row["relname"]
        if row["tenant"] or name == "organizations":
            assert row["forced"], f"{name} has tenants' rows and no forced row-level security"
        else:
            assert name in SHARED or name.startswith(("pgqueuer", "tortoise_")), (
                f"{name} has neither org_id nor a reason"
            )


async def test_views_read_with_the_rights_of_whoever_asks(admin: Any) -> None:
    careless = await admin.fetch(
        """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
           AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)"""
    )
    assert not careless


async def _everything(admin: Any) -> list[tuple[str, str]]:
    """Every table and view with tenants' rows, and the column that says whose."""
    views = await admin.fetch(
        """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'"""
    )
    return [*((name, "org_id") for name in await tenant_tables(admin)), ("organizations", "id")] + [
        (row["relname"], "org_id") for row in views
    ]


async def test_another_tenant_reads_no_row(rt: Runtime, admin: Any, planted: Planted, other_org: UUID) -> None:
    for name, column in await _everything(admin):
        assert await admin.fetchval(f"SELECT count(*) FROM {name} WHERE {column} = $1", planted.org), f"{name} is empty"
        async with reading(rt.database, other_org) as connection:
            assert not await connection.fetchval(f"SELECT count(*) FROM {name} WHERE {column} = $1", planted.org), name
        async with tenant(rt.database, planted.org, read_only=True) as scope:
            owners = await scope.sql.fetch(f"SELECT DISTINCT {column} FROM {name}")
            assert [row[0] for row in owners] == [planted.org], name


async def test_no_tenant_means_no_rows(rt: Runtime, admin: Any, planted: Planted) -> None:
    for name, _ in await _everything(admin):
        async with rt.database.pool().acquire() as connection:
            assert not await connection.fetchval(f"SELECT count(*) FROM {name}"), name


async def test_another_tenant_writes_no_row(rt: Runtime, admin: Any, planted: Planted, other_org: UUID) -> None:
    for name in await tenant_tables(admin):
        columns = await admin.fetch(
            "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1"
            " AND is_generated = 'NEVER' AND is_identity = 'NO'",
            name,
        )
        names = [row["name"] for row in columns]
        row = await admin.fetchrow(f"SELECT {', '.join(names)} FROM {name} WHERE org_id = $1", planted.org)
        places = ", ".join(f"${index + 1}" for index in range(len(names)))
        with pytest.raises(REFUSED):
            async with tenant(rt.database, other_org) as scope:
                await scope.sql.execute(f"INSERT INTO {name} ({', '.join(names)}) VALUES ({places})", *row.values())
        for change in (f"UPDATE {name} SET org_id = $2 WHERE org_id = $1", f"DELETE FROM {name} WHERE org_id = $1"):
            arguments = [planted.org, other_org] if "$2" in change else [planted.org]
            try:
                async with tenant(rt.database, other_org) as scope:
                    assert (await scope.sql.execute(change, *arguments)).endswith(" 0"), f"{change}"
            except REFUSED:
                continue


async def test_a_tenant_cannot_give_its_rows_away(rt: Runtime, admin: Any, planted: Planted, other_org: UUID) -> None:
    for name in await tenant_tables(admin):
        with pytest.raises((*REFUSED, asyncpg.ForeignKeyViolationError)):
            async with tenant(rt.database, planted.org) as scope:
                await scope.sql.execute(f"UPDATE {name} SET org_id = $1", other_org)


async def test_functions_that_take_an_organization_see_only_the_tenants_own(
    rt: Runtime, planted: Planted, other_org: UUID
) -> None:
    async with reading(rt.database, other_org) as connection:
        assert not await connection.fetchval("SELECT commerce_knows_orders($1)", planted.org)
        assert not await connection.fetchval("SELECT commerce_knows_products($1)", planted.org)


async def test_a_pooled_connection_keeps_neither_tenant_nor_role(rt: Runtime, planted: Planted) -> None:
    async with tenant(rt.database, planted.org) as scope:
        await scope.sql.fetchval("SELECT count(*) FROM orders")
    async with platform(rt.database, "test") as scope:
        assert await scope.sql.fetchval("SELECT current_user") == "portal_platform"
    async with rt.database.pool().acquire() as connection:
        assert await connection.fetchval("SELECT portal_org()") is None
        assert await connection.fetchval("SELECT current_user") != "portal_platform"
        assert not await connection.fetchval("SELECT count(*) FROM orders")


async def test_reading_is_read_only_whatever_the_role(rt: Runtime, planted: Planted) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with reading(rt.database, planted.org) as connection:
            await connection.execute("UPDATE organizations SET name = 'changed'")


async def test_an_unknown_tenant_has_nothing(rt: Runtime, admin: Any, planted: Planted) -> None:
    for name, _ in await _everything(admin):
        async with reading(rt.database, uuid4()) as connection:
            assert not await connection.fetchval(f"SELECT count(*) FROM {name}"), name
