"""The one writer of the commerce tables: a batch of records is one transaction, whatever it holds.

Rows (only if newer), rollups, what that restates of past days, the caller's own rows (`within`), the data version; after the
commit, the event. Written twice, late or in the wrong order, the same records give the same rows, and a batch that changes
nothing moves no version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from portal.commerce import locks
from portal.commerce.batch import Batch
from portal.commerce.catalogue import delete_plain, put_plain
from portal.commerce.finite import name_the_field
from portal.commerce.records import AnyRecord
from portal.commerce.restating import Restating
from portal.commerce.sales import apply_sales
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant


@dataclass(frozen=True, slots=True)
class Written:
    """`changed`: stream -> records that were new, different or newly deleted. `version`: the tenant's data version after it."""

    changed: dict[str, int] = field(default_factory=dict)
    version: int = 0


async def write(
    rt: Runtime,
    org_id: UUID,
    connection_id: int,
    records: Iterable[AnyRecord],
    *,
    within: Callable[[Scope], Awaitable[None]] | None = None,
    arrived_at: datetime,
    asked_at: datetime | None = None,
    work: str = "",
) -> Written:
    """Write a batch of one connection. `arrived_at` (aware UTC) is when the store's answer reached the portal.

    `asked_at`: the store was asked for exactly these things then, so that its answer stands over every copy that had arrived
    before, whatever its date (`verdicts.verdict`); for healing, never for what a cursor or a webhook brings.
    `within` runs in the same transaction, also when nothing changed, and must not write `tenant_versions`; what it raises
    rolls everything back. `work` names what the batch is part of (`restatement_lines`), '' nothing. Raises `Missing` when the
    connection was removed, `NotANumber` for an amount that is NaN or infinite.
    """
    async with tenant(rt.database, org_id) as scope:
        writing = await Writing.begin(scope, org_id, connection_id, arrived_at=arrived_at, asked_at=asked_at, work=work)
        await writing.put(records)
        written = await writing.finish(within)
    await publish(rt, org_id, written)
    return written


@dataclass(slots=True, kw_only=True)
class Writing:
    """A caller's transaction on the rows of one connection: `begin`, any number of `put`, one `finish`, `publish` after the
    commit. For what is more than a batch and yet all or nothing (an uploaded file); everything else is `write`."""

    scope: Scope
    org_id: UUID
    connection_id: int
    arrived_at: datetime
    asked_at: datetime | None
    restating: Restating
    changed: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def begin(
        cls,
        scope: Scope,
        org_id: UUID,
        connection_id: int,
        *,
        arrived_at: datetime,
        asked_at: datetime | None = None,
        work: str = "",
    ) -> Writing:
        """Take the connection's rows until the end of the transaction. Raises `Missing`."""
        restating = Restating(await locks.writer(scope, org_id, connection_id), work)
        return cls(
            scope=scope,
            org_id=org_id,
            connection_id=connection_id,
            arrived_at=arrived_at,
            asked_at=asked_at,
            restating=restating,
        )

    async def put(self, records: Iterable[AnyRecord]) -> None:
        """Write a batch: rows only if newer, and their rollups. Raises `NotANumber` for an amount that is none."""
        batch = Batch.of(records)
        try:
            for part in batch.parts():
                await self._put(part)
        except (asyncpg.DataError, asyncpg.CheckViolationError, ArithmeticError):
            name_the_field(batch.rows())
            raise

    async def _put(self, part: Batch) -> None:
        where, when = (self.scope, self.connection_id), self.arrived_at
        self.changed += await apply_sales(*where, part, when, restating=self.restating, asked_at=self.asked_at)
        for stream, plain in part.plain.items():
            self.changed[stream] += await put_plain(*where, stream, plain, when, asked_at=self.asked_at)
        for stream, gone in part.deleted.items():
            if stream not in ("orders", "refunds"):
                self.changed[stream] += await delete_plain(*where, stream, gone)

    async def finish(self, within: Callable[[Scope], Awaitable[None]] | None = None) -> Written:
        """What is restated, the caller's own rows, the data version: the last statements of the transaction."""
        await self.restating.log(self.scope, self.connection_id)
        if within is not None:
            await within(self.scope)
        found = {stream: count for stream, count in self.changed.items() if count}
        version = await locks.advance(self.scope, self.org_id, moved=bool(found), data_as_of=self.arrived_at)
        return Written(found, version)


async def publish(rt: Runtime, org_id: UUID, written: Written) -> None:
    """Tell everyone what moved; after the commit, never before."""
    if written.changed:
        await rt.bus.publish(Event(org_id, "data", written.version, {"kinds": sorted(written.changed)}))
