"""What is kept too long otherwise: processed deliveries, finished jobs, old runs."""

from __future__ import annotations

from datetime import timedelta

from portal.foundation.runtime import Runtime
from portal.sync.jobs import prune_log
from portal.tenancy.scope import platform

DELIVERIES, JOB_LOG, RUNS = timedelta(days=7), timedelta(days=2), timedelta(days=90)
"""How long they are kept. Deliveries outlast a store's longest retry, so that a late duplicate is still recognised."""


async def keep_house(rt: Runtime) -> None:
    """Prune, across tenants. Safe to run at any time and in several workers."""
    async with platform(rt.database, "prune old sync rows") as scope:
        await scope.sql.execute("DELETE FROM webhook_deliveries WHERE processed_at < now() - $1::interval", DELIVERIES)
        await scope.sql.execute(
            """DELETE FROM client_api_sync_results WHERE finished_at < now() - $1::interval
               AND status IN ('success', 'failed', 'cancelled')""",
            RUNS,
        )
        await prune_log(scope, JOB_LOG)
