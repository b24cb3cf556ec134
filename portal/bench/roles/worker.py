"""The portal's worker: syncs of stores and work on deliveries, in a process of its own, so that its memory is its own."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal
from uuid import UUID, uuid4

import structlog

from portal.bench.child import Answering
from portal.bench.overheard import Overheard
from portal.bench.process import Profiler
from portal.bench.tenants import make_organizations
from portal.compose import close_runtime, open_runtime
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.stores.service import create_connection
from portal.sync import engine
from portal.sync.jobs import request_sync
from portal.sync.webhooks import deliveries
from portal.tenancy.scope import tenant


class SyncFailed(Exception):
    """A run did not end well."""


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: settings. Questions: `first` {store: what a store said when it was ready}: the first sync of a new organization;
    `again`: the same store read whole once more; `download`: the requests of the last sync made by a bare client; `drain`
    {connections: (organization, connection)}; `memory`; `profile`, `profiled`."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40), logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    rt = await open_runtime(Settings.model_validate(setup["settings"]))
    heard, profiler = Overheard(rt.outbound), Profiler()
    whose: tuple[UUID, int] | None = None

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        nonlocal whose
        match question["do"]:
            case "first":
                (org_id,) = await make_organizations(rt.database, 1)
                whose = org_id, await connect(rt, org_id, question["store"])
                heard.forget()
                return await _sync(rt, *whose, "first")
            case "again" if whose is not None:
                async with tenant(rt.database, whose[0]) as scope:
                    await scope.sql.execute("DELETE FROM sync_cursors WHERE connection_id = $1", whose[1])
                return await _sync(rt, *whose, "manual")
            case "download":
                return await heard.again()
            case "drain":
                return await _drain(rt, [(UUID(org_id), number) for org_id, number in question["connections"]])
            case "memory":
                return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
            case "profile":
                profiler.start()
            case "profiled":
                return {"lines": profiler.stop(70)}
        return {}

    yield answer
    await close_runtime(rt)


async def connect(rt: Runtime, org_id: UUID, store: dict[str, Any]) -> int:
    """A connection of `org_id` to a store."""
    async with tenant(rt.database, org_id) as scope:
        return await create_connection(
            rt,
            scope,
            org_id=org_id,
            platform=store["platform"],
            name=f"Bench {uuid4().hex[:8]}",
            credentials=store["credentials"],
            frequency="daily",
            created_by=None,
        )


async def _sync(rt: Runtime, org_id: UUID, connection_id: int, trigger: Literal["first", "manual"]) -> dict[str, Any]:
    """Seconds of a run, by the clock and of this process. Raises `SyncFailed`."""
    async with tenant(rt.database, org_id) as scope:
        row, _ = await request_sync(scope, org_id=org_id, connection_id=connection_id, trigger=trigger)
        run_id: UUID = await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)
    began, spent = time.perf_counter(), time.process_time()
    outcome = await engine.run(rt, org_id, connection_id, run_id)
    found = {"seconds": time.perf_counter() - began, "own": time.process_time() - spent}
    if outcome is not engine.Outcome.SUCCESS:
        raise SyncFailed(f"the sync ended as {outcome}")
    async with tenant(rt.database, org_id) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
    return found


async def _drain(rt: Runtime, connections: list[tuple[UUID, int]]) -> dict[str, Any]:
    """Work on the deliveries of these connections until none waits, several stores side by side as in a worker."""
    began, gate = time.perf_counter(), asyncio.Semaphore(rt.settings.sync_concurrency)

    async def one(org_id: UUID, connection_id: int) -> int:
        async with gate:
            return await deliveries.process(rt, org_id, connection_id, 0)

    counts = await asyncio.gather(*(one(*each) for each in connections))
    return {"seconds": time.perf_counter() - began, "count": sum(counts)}
