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

from portal.commerce import locks
from portal.commerce.batch import Batch
from portal.commerce.catalogue import delete_plain, put_plain
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
) -> Written:
    """Write a batch of one connection. `arrived_at` (aware UTC) is when the store's answer reached the portal.

    `asked_at`: the store was asked for exactly these things then, so that its answer stands over every copy that had arrived
    before, whatever its date (`verdicts.verdict`); for healing, never for what a cursor or a webhook brings.
    `within` runs in the same transaction, also when nothing changed, and must not write `tenant_versions`; what it raises
    rolls everything back. Raises `Missing` when the connection was removed.
    """
    batch = Batch.of(records)
    async with tenant(rt.database, org_id) as scope:
        restating = Restating(await locks.writer(scope, org_id, connection_id))
        changed: Counter[str] = Counter()
        for part in batch.parts():
            changed += await apply_sales(scope, connection_id, part, arrived_at, restating=restating, asked_at=asked_at)
            for stream, plain in part.plain.items():
                changed[stream] += await put_plain(scope, connection_id, stream, plain, arrived_at, asked_at=asked_at)
            for stream, gone in part.deleted.items():
                if stream not in ("orders", "refunds"):
                    changed[stream] += await delete_plain(scope, connection_id, stream, gone)
        await restating.log(scope, connection_id)
        if within is not None:
            await within(scope)
        found = {stream: count for stream, count in changed.items() if count}
        version = await locks.advance(scope, org_id, moved=bool(found), data_as_of=arrived_at)
    if found:
        await rt.bus.publish(Event(org_id, "data", version, {"kinds": sorted(found)}))
    return Written(found, version)
