"""A database of an earlier version, with rows in it, brought up to date by an owner that is no superuser."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from portal.foundation.database import connect_arguments, connect_once
from portal.foundation.migrate import APPS, migrate, with_login
from tests.conftest import Servers, as_admin, database_at

_BEFORE = [MigrationTarget("portal", "0005_fees"), MigrationTarget("portal", "0005_proof")]
_ROWS = """
WITH org AS (INSERT INTO organizations (name, reporting_currency) VALUES ('Old', 'EUR') RETURNING id),
store AS (INSERT INTO client_api_credentials (org_id, platform_type, connection_name, secrets)
          SELECT id, 'woocommerce', 'Shop', '' FROM org RETURNING org_id, id),
rate AS (INSERT INTO exchange_rates (org_id, day, currency, rate) SELECT id, '2026-03-02', 'USD', 0.85 FROM org)
INSERT INTO webhook_deliveries (org_id, connection_id, dedupe_key, topic, headers, body, received_at, processed_at, error)
SELECT org_id, id, n, 'order.updated', '{}', '', now(), CASE WHEN n <> 'waits' THEN now() END, CASE WHEN n = 'failed' THEN 'no' END
FROM store CROSS JOIN unnest(ARRAY['done', 'failed', 'waits']) AS n
"""


@pytest.fixture
async def old(servers: Servers) -> tuple[str, str]:
    """(the superuser's URL, the owner's URL) of a database as it was before the picture, quotes and deliveries' states."""
    name = f"old_{uuid4().hex[:8]}"
    await as_admin(
        servers.admin_dsn,
        f"CREATE ROLE {name}_owner LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE PASSWORD 'x'",
        f"CREATE DATABASE {name}",
    )
    url = database_at(servers.admin_dsn, name)
    await as_admin(
        url,
        f"GRANT ALL ON SCHEMA public TO {name}_owner",
        f"ALTER DATABASE {name} OWNER TO {name}_owner",
        *(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            for role in _ROLES
        ),
        *(f"GRANT {role} TO {name}_owner WITH ADMIN OPTION, {options}" for role, options in _ROLES.items()),
    )
    owner = with_login(url, f"{name}_owner", "x")
    async with TortoiseContext() as context:
        given = {"host": None, **connect_arguments(owner), "minsize": 1, "maxsize": 2}
        connections = {"default": {"engine": "tortoise.backends.asyncpg", "credentials": given}}
        await context.init(config={"connections": connections, "apps": APPS})
        await MigrationExecutor(context.connections.get("default"), APPS).migrate(_BEFORE)
    await as_admin(url, _ROWS)
    return url, owner


_ROLES = {"portal_app": "INHERIT TRUE", "portal_platform": "INHERIT FALSE, SET TRUE"}


async def login(url: str) -> str:
    """Bring it up to date; the login role."""
    role = url.partition("//")[2].partition(":")[0]
    await migrate(url, login_role=role, login_password=None)
    return role


async def unmigrate(connection: asyncpg.Connection) -> None:
    """The index that is built beside the writers is to be built again."""
    await connection.execute("DELETE FROM tortoise_migrations WHERE name = '0015_words_index'")


async def test_an_index_whose_building_was_killed_is_built_anew(old: tuple[str, str]) -> None:
    url, owner = old
    await login(owner)
    connection = await connect_once(url)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_words'::regclass"
    try:
        await connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_words'::regclass")
        await unmigrate(connection)
        await login(owner)
        assert await connection.fetchval(valid) is True
    finally:
        await connection.close()


async def test_dropping_what_a_killed_build_left_gives_way_to_readers(old: tuple[str, str]) -> None:
    url, owner = old
    await login(owner)
    await as_admin(
        url,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_words'::regclass",
        "DELETE FROM tortoise_migrations WHERE name = '0015_words_index'",
    )
    await upgrade_behind_a_long_transaction(url, owner)


async def test_orders_are_written_while_their_index_is_built_and_a_second_migration_waits_its_turn(
    old: tuple[str, str],
) -> None:
    url, owner = old
    await login(owner)
    slow, writer = await connect_once(url), await connect_once(url)
    write = "UPDATE orders SET note = ''"
    try:
        await unmigrate(writer)
        await writer.execute("DROP INDEX orders_words")
        await writer.execute("SET lock_timeout = '5s'")
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(write)
        both = [asyncio.create_task(login(owner)), asyncio.create_task(login(owner))]
        async with asyncio.timeout(20):
            while not await writer.fetchval(_BUILDING):
                await asyncio.sleep(0.02)
        await writer.execute(write)
        async with asyncio.timeout(20):
            while not await writer.fetchval(_ASKING):
                await asyncio.sleep(0.02)
        await transaction.commit()
        async with asyncio.timeout(20):
            await asyncio.gather(*both)
        assert await writer.fetchval("SELECT to_regclass('orders_words') IS NOT NULL")
    finally:
        await slow.close()
        await writer.close()


_ASKING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_adv%')"
_BUILDING = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active')"
)


async def test_a_migration_that_waits_for_a_table_lets_readers_through_and_is_tried_again(old: tuple[str, str]) -> None:
    url, owner = old
    await upgrade_behind_a_long_transaction(url, owner)
    connection = await connect_once(url)
    assert await connection.fetchval("SELECT count(*) FROM orders WHERE payments IS NOT NULL") == 0
    await connection.close()


async def upgrade_behind_a_long_transaction(url: str, owner: str) -> None:
    """Orders are being written all the while; a reader who comes after the upgrade passes before they are."""
    slow, reader = await connect_once(url), await connect_once(url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("UPDATE orders SET note = ''")
        upgrading = asyncio.create_task(login(owner))
        async with asyncio.timeout(30):
            while not await reader.fetchval(_WAITING):
                await asyncio.sleep(0.02)
            await reader.fetch("SELECT count(*) FROM orders")  # stands behind the migration, which gives way
        await transaction.commit()
        async with asyncio.timeout(60):
            await upgrading
    finally:
        await slow.close()
        await reader.close()


_WAITING = """
SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted)"""


async def test_what_an_earlier_version_stored_is_kept_and_its_running_worker_may_go_on(old: tuple[str, str]) -> None:
    url, owner = old
    await login(owner)
    connection = await connect_once(url)
    try:
        states = "SELECT dedupe_key, state FROM webhook_deliveries ORDER BY id"
        assert dict(await connection.fetch(states)) == {"done": "done", "failed": "failed", "waits": "waiting"}
        quotes = await connection.fetch(
            "SELECT day::text, base_currency, currency, rate, of_base, source FROM exchange_quotes"
        )
        assert [tuple(each) for each in quotes] == [("2026-03-02", "EUR", "USD", Decimal("0.85"), False, "hand")]
        await connection.execute("UPDATE webhook_deliveries SET processed_at = now() WHERE processed_at IS NULL")
        assert dict(await connection.fetch(states))["waits"] == "done"
        forced = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        assert await connection.fetchval(forced) == 0
    finally:
        await connection.close()
