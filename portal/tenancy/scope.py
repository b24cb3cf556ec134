"""The only door to tenant rows.

Row-level security is forced on every table with an `org_id`; the portal's login role owns no table and cannot bypass it.
The tenant is set inside the transaction (`set_config(…, true)` is `SET LOCAL`), never on the session, so a pooled
connection cannot leak it. No tenant set means no rows. Work across tenants is the separate role `portal_platform`,
entered by name with a reason; callers audit it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from tortoise.backends.asyncpg.client import TransactionWrapper

from portal.foundation.database import Database


@dataclass(frozen=True, slots=True)
class Scope:
    """A transaction under one tenant (`org_id`), or across tenants (`org_id` None).

    `sql` is the asyncpg connection; `orm` the Tortoise client for `Model.….using_db(scope.orm)`.
    """

    sql: Any
    org_id: UUID | None
    database: Database

    @property
    def orm(self) -> TransactionWrapper:
        return self.database.orm(self.sql)


@asynccontextmanager
async def tenant(database: Database, org_id: UUID, *, read_only: bool = False) -> AsyncIterator[Scope]:
    """One transaction on the rows of one organization. `read_only` is enforced by PostgreSQL."""
    async with database.pool().acquire() as connection, connection.transaction(readonly=read_only):
        await connection.execute("SELECT set_config('app.org_id', $1, true)", str(org_id))
        yield Scope(connection, org_id, database)


@asynccontextmanager
async def reading(
    database: Database, org_id: UUID, *, replica: bool = False, store: int | None = None
) -> AsyncIterator[Any]:
    """The hot path: a read-only transaction in three round trips; yields the asyncpg connection.

    `store`: the views tell of this connection alone, not of all that count (docs/stores-together.md).
    """
    async with database.pool(replica=replica).acquire() as connection:
        # One simple-protocol round trip; the text of a UUID or a number cannot carry SQL.
        alone = "" if store is None else f"; SET LOCAL app.store = '{int(store)}'"
        begin = f"BEGIN READ ONLY; SET LOCAL app.org_id = '{UUID(str(org_id))}'{alone}"
        try:
            await connection.execute(begin)  # inside: whoever leaves while it is answered has begun it all the same
            yield connection
        finally:
            if not connection.is_closed():
                await _roll_back(connection)


async def _roll_back(connection: Any) -> None:
    """The cancel of somebody who left is a signal of its own, and may hit this statement instead of the one it was meant for."""
    try:
        await connection.execute("ROLLBACK")
    except asyncpg.QueryCanceledError:
        await connection.execute("ROLLBACK")


@asynccontextmanager
async def naming_its_tenant(connection: Any) -> AsyncIterator[None]:
    """Within `reading`: for a statement that compares by an index what row-level security would not let near one.

    It says `org_id = $n` itself with what `portal_org()` gave, and gives keys alone: their rows are then read as everywhere, under
    row-level security. What such a statement finds depends much on its values, so it is planned for them. If it fails, the role
    ends with the transaction.
    """
    await connection.execute("SET LOCAL ROLE portal_platform; SET LOCAL plan_cache_mode = force_custom_plan")
    yield
    await connection.execute("SET LOCAL ROLE NONE; SET LOCAL plan_cache_mode = auto")


@asynccontextmanager
async def platform(database: Database, reason: str, *, read_only: bool = False) -> AsyncIterator[Scope]:
    """One transaction across all tenants. `reason` is kept as the transaction's application name, for `pg_stat_activity`."""
    async with database.pool().acquire() as connection, connection.transaction(readonly=read_only):
        await connection.execute("SET LOCAL ROLE portal_platform")
        await connection.execute("SELECT set_config('application_name', $1, true)", f"portal: {reason}"[:63])
        yield Scope(connection, None, database)
