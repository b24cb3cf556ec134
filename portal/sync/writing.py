"""Writing through the ledger beside others who write the same tenant's rows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from portal.commerce import ledger
from portal.commerce.finite import NotANumber
from portal.commerce.ledger import Written
from portal.commerce.records import AnyRecord
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope

UNWRITABLE = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,  # a key too long for an index
    UnicodeError,  # half a character: digests and the wire refuse it before PostgreSQL does
    OverflowError,
    NotANumber,
)
"""What is raised for a single row that cannot be held; the other rows of the page are still good."""
_TRIES = 4


def said(error: Exception) -> str:
    """Why a row cannot be held, in words: of our own reasons what is wrong, of others only their name (never their text)."""
    return str(error) if isinstance(error, NotANumber) else type(error).__name__


async def write(
    rt: Runtime,
    org_id: UUID,
    connection_id: int,
    records: Sequence[AnyRecord],
    *,
    within: Callable[[Scope], Awaitable[None]],
    arrived_at: datetime,
    asked_at: datetime | None = None,
    work: str = "",
) -> Written:
    """`ledger.write`, repeated when a sync and a webhook met in a deadlock: the transaction was rolled back whole."""
    for attempt in range(1, _TRIES):
        try:
            return await ledger.write(
                rt, org_id, connection_id, records, within=within, arrived_at=arrived_at, asked_at=asked_at, work=work
            )
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            await asyncio.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - spreads load, guards nothing
    return await ledger.write(
        rt, org_id, connection_id, records, within=within, arrived_at=arrived_at, asked_at=asked_at, work=work
    )
