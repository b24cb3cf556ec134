"""Roles, migrations and the job tables: what `portal migrate` does, as the role that owns the tables."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor

from portal.foundation.database import MODEL_MODULES, connect_arguments, connect_once
from portal.foundation.errors import StartupError
from portal.foundation.resources import MIGRATIONS_MODULE

APPS = {"portal": {"models": MODEL_MODULES, "default_connection": "default", "migrations": MIGRATIONS_MODULE}}
_APP, _PLATFORM = "INHERIT TRUE", "INHERIT FALSE, SET TRUE"
_LOCK = 0x706F7274  # one migration at a time over all processes
_ASK_EVERY = 0.25  # seconds
_TRIES = 120
"""Of a migration that waits for a table: with three seconds each (`migrations.sql`) and a pause between, about ten minutes."""


async def migrate(owner_url: str, *, login_role: str, login_password: str | None = None) -> list[str]:
    """Create roles, run what is missing, and give `login_role` its rights. Returns the migrations that ran.

    `login_password` creates or updates the login role; None means it exists and is managed elsewhere.
    Raises `StartupError` when the owner may not create roles, or a table is in use for minutes on end.
    """
    connection = await connect_once(owner_url)
    try:
        await _alone(connection)
        await _make_roles(connection, login_role, login_password)
        applied = await _patiently(owner_url)
        await _install_jobs(connection)
        return applied
    finally:
        await connection.close()


async def _alone(connection: Any) -> None:
    """One at a time. Asked again and again: a statement that waits inside PostgreSQL is a reader that an index which is built
    beside the writers (`CONCURRENTLY`, 0015_words_index) would wait for, and neither would ever end."""
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
        await asyncio.sleep(_ASK_EVERY)


async def _patiently(owner_url: str) -> list[str]:
    """Run what is missing; a migration that could not have its tables is rolled back whole and tried again."""
    applied: list[str] = []
    for _ in range(_TRIES):
        try:
            await _run(owner_url, applied)
        except Exception as error:
            if not _in_use(error):
                raise
            await asyncio.sleep(random.uniform(1.0, 2.0))  # noqa: S311 - lets those through who waited behind it
        else:
            return applied
    raise StartupError(
        "A table that has to be changed is in use by a long transaction. What ran so far is kept: run `portal migrate` again when "
        "uploads and syncs under way have ended (SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start)."
    )


def _in_use(error: BaseException | None) -> bool:
    """Whether a lock was not to be had in time; Tortoise wraps what asyncpg raises."""
    while error is not None:
        if isinstance(error, asyncpg.LockNotAvailableError):
            return True
        error = error.__cause__
    return False


async def missing(owner_url: str) -> list[str]:
    """The migrations that have not run yet (`portal migrate --check`)."""
    async with _executor(owner_url) as executor:
        return [step.migration.name for step in await executor.plan()]


def with_login(owner_url: str, role: str, password: str) -> str:
    """`owner_url` with another user: how the portal itself connects."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{host}"))


async def _make_roles(connection: Any, login_role: str, login_password: str | None) -> None:
    try:
        for role in ("portal_app", "portal_platform"):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {role} NOLOGIN NOINHERIT NOBYPASSRLS")
        if login_password is not None:
            await _make_login(connection, login_role, login_password)
        await _grant(connection, "portal_app", _APP, login_role)
        await _grant(connection, "portal_platform", _PLATFORM, login_role)
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(
            await connection.fetchval("SELECT format('GRANT CONNECT ON DATABASE %I TO portal_app', $1::text)", database)
        )
    except Exception as error:
        if type(error).__name__ == "InsufficientPrivilegeError":
            raise StartupError(
                "The role that migrates may not create or grant roles: give DATABASE_OWNER_URL one with CREATEROLE, or "
                "have a superuser run CREATE ROLE portal_app NOLOGIN NOINHERIT; CREATE ROLE portal_platform NOLOGIN "
                f'NOINHERIT; GRANT portal_app TO "{login_role}" WITH {_APP}; '
                f'GRANT portal_platform TO "{login_role}" WITH {_PLATFORM};'
            ) from error
        raise


async def _make_login(connection: Any, role: str, password: str) -> None:
    """Who may only create roles must not even name SUPERUSER or BYPASSRLS of one that exists, so we do only at need."""
    known = await connection.fetchrow(
        "SELECT rolsuper OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = $1", role
    )
    verb = "CREATE" if known is None else "ALTER"
    tamed = "" if known is not None and not known["mighty"] else " NOBYPASSRLS NOSUPERUSER"
    statement = f"SELECT format('{verb} ROLE %I LOGIN{tamed} PASSWORD %L', $1::text, $2::text)"
    await connection.execute(await connection.fetchval(statement, role, password))


async def _grant(connection: Any, role: str, options: str, member: str) -> None:
    """Membership with `options`. Nothing when a superuser has granted it before: we may lack the right to."""
    has = await connection.fetchrow(
        "SELECT coalesce(bool_or(inherit_option), false) AS inherits, coalesce(bool_or(set_option), false) AS sets"
        " FROM pg_auth_members WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = $1)"
        " AND member = (SELECT oid FROM pg_roles WHERE rolname = $2)",
        role,
        member,
    )
    # A login that inherited portal_platform would see every tenant without asking for it.
    if not (has["inherits"] if options == _APP else has["sets"] and not has["inherits"]):
        statement = f"SELECT format('GRANT {role} TO %I WITH {options}', $1::text)"
        await connection.execute(await connection.fetchval(statement, member))


async def _run(owner_url: str, applied: list[str]) -> None:
    def done(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    async with _executor(owner_url) as executor:
        await executor.migrate(progress=done)


@asynccontextmanager
async def _executor(owner_url: str) -> AsyncIterator[MigrationExecutor]:
    async with TortoiseContext() as context:
        credentials = connect_arguments(owner_url)
        credentials.setdefault("host", None)
        credentials.update({"minsize": 1, "maxsize": 2})
        await context.init(
            config={
                "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
                "apps": APPS,
            }
        )
        yield MigrationExecutor(context.connections.get("default"), APPS)


async def _install_jobs(connection: Any) -> None:
    queries = Queries(AsyncpgDriver(connection))
    if await queries.schema_is_installed():
        await queries.apply_upgrade()
    else:
        await queries.install()
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'pgqueuer%'"
    )
    for (table,) in tables:
        await connection.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO portal_app, portal_platform')
    await connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO portal_app, portal_platform")
    # /readyz asks as the portal's own role whether this version's migrations have run.
    await connection.execute("GRANT SELECT ON tortoise_migrations TO portal_app, portal_platform")
