"""Tenant scopes: what one organization's transaction sees, and that nothing is seen without one."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from portal.foundation.errors import Invalid
from portal.foundation.runtime import Runtime
from portal.tenancy.models import Organization
from portal.tenancy.scope import platform, reading, tenant
from portal.tenancy.service import create_organization, set_store_facts


async def test_a_tenant_sees_itself_and_nobody_else(rt: Runtime, org: UUID, other_org: UUID) -> None:
    async with tenant(rt.database, org) as scope:
        assert [row["id"] for row in await scope.sql.fetch("SELECT id FROM organizations")] == [org]
        assert [each.id for each in await Organization.all().using_db(scope.orm)] == [org]
        assert await scope.sql.fetchval("SELECT count(*) FROM organizations WHERE id = $1", other_org) == 0
        changed = await scope.sql.execute("UPDATE organizations SET name = 'mine' WHERE id = $1", other_org)
        assert changed == "UPDATE 0"
    async with reading(rt.database, other_org) as connection:
        assert [row["id"] for row in await connection.fetch("SELECT id FROM organizations")] == [other_org]


async def test_without_a_tenant_there_are_no_rows(rt: Runtime, org: UUID) -> None:
    async with rt.database.pool().acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM organizations") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO tenant_versions (org_id) VALUES ($1)", org)


async def test_a_pooled_connection_forgets_its_tenant(rt: Runtime, org: UUID) -> None:
    async def one(_: int) -> int:
        async with tenant(rt.database, org) as scope:
            await scope.sql.fetchval("SELECT 1")
        async with rt.database.pool().acquire() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM organizations"))

    assert set(await asyncio.gather(*(one(n) for n in range(30)))) == {0}


async def test_a_row_cannot_be_given_to_another_tenant(rt: Runtime, org: UUID, other_org: UUID) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant(rt.database, org) as scope:
            await scope.sql.execute("UPDATE tenant_versions SET org_id = $1", other_org)


async def test_reading_writes_nothing(rt: Runtime, org: UUID) -> None:
    for scope_of in (tenant(rt.database, org, read_only=True), platform(rt.database, "test", read_only=True)):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with scope_of as scope:
                await scope.sql.execute("UPDATE organizations SET name = 'x'")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with reading(rt.database, org) as connection:
            await connection.execute("UPDATE organizations SET name = 'x'")


async def test_whoever_leaves_while_a_reading_begins_leaves_no_transaction_behind(rt: Runtime, org: UUID) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context["message"])))

    async def look() -> None:
        async with reading(rt.database, org) as connection:
            await connection.fetchval("SELECT pg_sleep(0.002)")

    for step in range(60):
        leaving = asyncio.create_task(look())
        await asyncio.sleep(step / 20_000)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == []
    async with reading(rt.database, org) as connection:
        assert await connection.fetchval("SELECT count(*) FROM organizations") == 1


async def test_the_platform_sees_all_and_says_why(rt: Runtime, org: UUID, other_org: UUID) -> None:
    async with platform(rt.database, "count clients") as scope:
        ids = {row["id"] for row in await scope.sql.fetch("SELECT id FROM organizations")}
        assert {org, other_org} <= ids
        assert await scope.sql.fetchval("SELECT current_setting('application_name')") == "portal: count clients"


async def test_the_login_role_owns_nothing_and_bypasses_nothing(rt: Runtime) -> None:
    async with rt.database.pool().acquire() as connection:
        row = await connection.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        assert tuple(row) == (False, False, False)
        owned = await connection.fetchval("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert owned == 0
        unprotected = await connection.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert unprotected == []


async def test_an_organization_starts_with_its_version_at_zero(rt: Runtime) -> None:
    async with platform(rt.database, "test") as scope:
        org_id = await create_organization(scope, name=" Acme ", reporting_currency="EUR", timezone="Europe/Berlin")
        await set_store_facts(scope, org_id, "JPY", "Asia/Tokyo")
    async with tenant(rt.database, org_id) as scope:
        row = await scope.sql.fetchrow("SELECT name, reporting_currency, timezone FROM organizations")
        assert tuple(row) == ("Acme", "JPY", "Asia/Tokyo")
        assert await scope.sql.fetchval("SELECT version FROM tenant_versions") == 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Acme", "reporting_currency": "EURO"}, "reporting_currency"),
        ({"name": "Acme", "timezone": "Mars/Olympus"}, "timezone"),
    ],
)
async def test_a_wrong_organization_is_refused_by_field(rt: Runtime, values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        async with platform(rt.database, "test") as scope:
            await create_organization(scope, **values)
    assert list(refused.value.fields) == [field]
