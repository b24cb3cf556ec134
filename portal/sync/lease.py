"""One run at a time per connection: a lease in the connection's row, checked inside every transaction that commits rows.

The owner is one *attempt* (not the run): when a frozen process wakes after its job was given to another worker, its next
commit finds another owner and is rolled back. The clock is PostgreSQL's, so workers need not agree on the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from portal.foundation.database import AWAY
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant

LEASE = timedelta(seconds=30)


class LeaseLost(Exception):
    """Another run holds the connection now; this one must not commit."""


async def take(scope: Scope, connection_id: int, owner: UUID) -> timedelta | None:
    """Take the lease. None when taken, else how long the present holder still has it."""
    taken = await scope.sql.fetchval(
        """UPDATE client_api_credentials SET lease_owner = $2, lease_until = clock_timestamp() + $3
           WHERE id = $1 AND (lease_owner IS NULL OR lease_until < clock_timestamp()) RETURNING true""",
        connection_id,
        owner,
        LEASE,
    )
    if taken:
        return None
    left: timedelta | None = await scope.sql.fetchval(
        "SELECT lease_until - clock_timestamp() FROM client_api_credentials WHERE id = $1", connection_id
    )
    return max(left or timedelta(0), timedelta(seconds=1))


async def renew(scope: Scope, connection_id: int, owner: UUID) -> str:
    """Prolong the lease in the caller's transaction; returns the connection's status. Raises `LeaseLost`."""
    status: str | None = await scope.sql.fetchval(
        """UPDATE client_api_credentials SET lease_until = clock_timestamp() + $3
           WHERE id = $1 AND lease_owner = $2 RETURNING status""",
        connection_id,
        owner,
        LEASE,
    )
    if status is None:
        raise LeaseLost
    return status


async def release(scope: Scope, connection_id: int, owner: UUID) -> None:
    """Give the lease back; nothing happens when it is somebody else's already."""
    await scope.sql.execute(
        "UPDATE client_api_credentials SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2",
        connection_id,
        owner,
    )


async def keep(
    rt: Runtime, org_id: UUID, connection_id: int, owner: UUID, tell: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Renew while a slow page is being fetched; returns only when the lease is lost. Cancel it at the end of the run.

    `tell` is called with each renewal: a page that was opened in between sees what is under way without waiting for rows.
    """
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        with suppress(*AWAY):  # PostgreSQL restarting: the next renewal, or the commit itself, decides
            async with tenant(rt.database, org_id) as scope:
                try:
                    await renew(scope, connection_id, owner)
                except LeaseLost:
                    return
        if tell is not None:
            await tell()


async def held_by(keeper: asyncio.Task[None], coming: Coroutine[Any, Any, None]) -> None:
    """Do it as long as the keeper holds the lease. Raises `LeaseLost`: cancelled by a person, or taken over while this process
    was frozen."""
    work = asyncio.create_task(coming)
    try:
        await asyncio.wait({keeper, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise LeaseLost
        await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
