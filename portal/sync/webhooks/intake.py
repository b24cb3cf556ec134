"""Deliveries on their way into PostgreSQL: those that arrive while one batch commits form the next one.

A delivery is answered 200 only when its batch is committed. One statement and one commit for many is what lets a burst
through: a thousand deliveries a second are some tens of transactions, and one waiting job per store.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from portal.foundation.database import AWAY
from portal.foundation.errors import DependencyAway
from portal.foundation.runtime import Runtime
from portal.sync.webhooks.wakeups import begin_storing, wake
from portal.tenancy.scope import platform

MOST_ROWS, MOST_BYTES = 250, 4_000_000
"""Of one batch."""
MOST_WAITING = 64_000_000
"""Bytes that may wait in one process; what comes beyond is sent away for a second, not kept in memory."""
LONGEST = 10.0
"""Seconds a batch may take. Platforms give up after five; what was stored meanwhile is recognised when it comes again."""
_log = structlog.get_logger("portal.webhooks")
# xmax is 0 in a row that this statement inserted, and not in one that it updated.
_STORE = """
INSERT INTO webhook_deliveries
  (org_id, connection_id, dedupe_key, topic, headers, body, received_at, state, processed_at, duplicates)
SELECT n.org_id, n.connection_id, n.dedupe_key, n.topic, n.headers, n.body, n.received_at,
  CASE WHEN n.wanted THEN 'waiting' ELSE 'ignored' END, CASE WHEN n.wanted THEN NULL ELSE n.received_at END, n.again
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::timestamptz[], $8::boolean[],
  $9::integer[]) WITH ORDINALITY
  AS n(org_id, connection_id, dedupe_key, topic, headers, body, received_at, wanted, again, place)
ORDER BY n.place
ON CONFLICT (connection_id, dedupe_key) DO UPDATE SET duplicates = webhook_deliveries.duplicates + 1 + excluded.duplicates
RETURNING connection_id, dedupe_key, xmax = 0 AS fresh
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A verified delivery. Not `wanted`: kept to be seen, without its body, and not worked on."""

    org_id: UUID
    connection_id: int
    dedupe_key: str
    topic: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    wanted: bool = True

    @property
    def key(self) -> tuple[int, str]:
        return self.connection_id, self.dedupe_key


class Intake:
    """Of one web process."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._waiting: deque[tuple[Arrival, asyncio.Future[bool]]] = deque()
        self._bytes = 0
        self._storing: asyncio.Task[None] | None = None

    async def keep(self, arrival: Arrival) -> bool:
        """Returns once it is committed: False when it was here already. Raises `DependencyAway` when it could not be kept."""
        size = len(arrival.body)
        if self._bytes + size > MOST_WAITING:
            raise DependencyAway("More deliveries wait than can be kept. Send it again.", headers={"Retry-After": "1"})
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, kept))
        self._bytes += size
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_all(), name="webhook-intake")
        return await kept

    async def _store_all(self) -> None:
        while self._waiting:
            batch = self._next()
            try:
                await self._store(batch)
            finally:
                self._bytes -= sum(len(arrival.body) for arrival, _ in batch)

    def _next(self) -> list[tuple[Arrival, asyncio.Future[bool]]]:
        batch, size = [self._waiting.popleft()], 0
        size = len(batch[0][0].body)
        while self._waiting and len(batch) < MOST_ROWS and size + len(self._waiting[0][0].body) <= MOST_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].body)
        return batch

    async def _store(self, batch: Sequence[tuple[Arrival, asyncio.Future[bool]]]) -> None:
        """Store a batch and tell each what became of it. One that cannot be stored takes only itself along."""
        try:
            fresh = await self._commit([arrival for arrival, _ in batch])
        except AWAY as error:
            _log.warning("webhooks_not_kept", count=len(batch), error=type(error).__name__)
            for _, kept in batch:
                _fail(kept, DependencyAway("The database is away for a moment.", headers={"Retry-After": "5"}))
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._store([each])
            else:
                _fail(batch[0][1], error)
        else:
            for arrival, kept in batch:
                if not kept.done():
                    kept.set_result(arrival.key in fresh)
                fresh.discard(arrival.key)  # the second of two equal ones is a duplicate

    async def _commit(self, arrivals: Sequence[Arrival]) -> set[tuple[int, str]]:
        """The keys that were not here before."""
        first: dict[tuple[int, str], Arrival] = {}
        again: dict[tuple[int, str], int] = {}
        for each in arrivals:
            first.setdefault(each.key, each)
            again[each.key] = again.get(each.key, -1) + 1
        for attempt in (1, 2, 3):
            try:
                async with asyncio.timeout(LONGEST):
                    return await self._insert(list(first.values()), again)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == 3:
                    raise
        return set()

    async def _insert(self, rows: Sequence[Arrival], again: Mapping[tuple[int, str], int]) -> set[tuple[int, str]]:
        async with platform(self._rt.database, "keep webhook deliveries") as scope:
            await begin_storing(scope, {each.connection_id for each in rows})
            stored: list[Any] = await scope.sql.fetch(
                _STORE,
                [each.org_id for each in rows],
                [each.connection_id for each in rows],
                [each.dedupe_key for each in rows],
                [each.topic for each in rows],
                [json.dumps(dict(each.headers)) for each in rows],
                [each.body if each.wanted else b"" for each in rows],
                [each.received_at for each in rows],
                [each.wanted for each in rows],
                [again[each.key] for each in rows],
            )
            fresh = {(row["connection_id"], row["dedupe_key"]) for row in stored if row["fresh"]}
            if awake := {(each.org_id, each.connection_id) for each in rows if each.wanted and each.key in fresh}:
                await wake(scope, awake)
        return fresh


def _fail(kept: asyncio.Future[bool], error: Exception) -> None:
    if not kept.done():
        kept.set_exception(error)
