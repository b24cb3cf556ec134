"""A worker's news: the tenant's version moves in the database, then the bus tells."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from portal.compose import close_runtime, open_runtime
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.tenancy.scope import tenant


class Publisher:
    """Stands in for a worker that has just committed, in this process, for one organization."""

    def __init__(self, rt: Runtime, org_id: UUID) -> None:
        self._rt, self._org_id = rt, org_id

    async def publish(self, kinds: list[str]) -> float:
        """Move the version, then tell; gives the moment (of the machine's monotonic clock) just before it is told."""
        async with tenant(self._rt.database, self._org_id) as scope:
            version = await scope.sql.fetchval(
                "UPDATE tenant_versions SET version = version + 1, data_as_of = now() RETURNING version"
            )
        at = time.monotonic()
        await self._rt.bus.publish(Event(self._org_id, "data", version, {"kinds": kinds}))
        return at


@asynccontextmanager
async def publisher(settings: Settings, org_id: UUID) -> AsyncIterator[Publisher]:
    """A publisher with a runtime of its own."""
    rt = await open_runtime(settings)
    try:
        yield Publisher(rt, org_id)
    finally:
        await close_runtime(rt)
