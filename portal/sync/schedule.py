"""Which connections are due: asked every 20 seconds by every worker, answered to each connection once."""

from __future__ import annotations

from uuid import UUID

import structlog

from portal.foundation.runtime import Runtime
from portal.stores.connection import FREQUENCIES
from portal.sync.asked import decode
from portal.sync.jobs import SyncJob, go_on, put_job, request_sync
from portal.sync.runs import interval
from portal.tenancy.scope import Scope, platform

EVERY_SECONDS = 20.0
_BATCH = 200
_log = structlog.get_logger("portal.sync")


async def request_due(rt: Runtime) -> int:
    """Request a sync of every due connection and move its next one on; returns how many. Safe in several workers at once.

    Moving `next_sync_at` in the same transaction is what makes it once; the run's own end sets the exact next time.
    """
    asked = 0
    async with platform(rt.database, "request due syncs") as scope:
        due = await scope.sql.fetch(
            """SELECT c.id, c.org_id, c.sync_frequency, c.consecutive_failures FROM client_api_credentials c
               JOIN organizations o ON o.id = c.org_id
               WHERE c.next_sync_at <= now() AND c.status IN ('active', 'error') AND c.polled AND o.disabled_at IS NULL
                 AND NOT EXISTS (SELECT FROM api_platform_configs p WHERE p.platform_type = c.platform_type AND NOT p.enabled)
               ORDER BY c.next_sync_at LIMIT $1 FOR NO KEY UPDATE OF c SKIP LOCKED""",
            _BATCH,
        )
        for row in due:
            await request_sync(
                scope,
                org_id=row["org_id"],
                connection_id=row["id"],
                trigger="retry" if row["consecutive_failures"] else "schedule",
            )
            asked += 1
        for frequency in FREQUENCIES:
            ids = [row["id"] for row in due if row["sync_frequency"] == frequency]
            if ids:
                await scope.sql.execute(
                    "UPDATE client_api_credentials SET next_sync_at = now() + $2::interval * (0.95 + random() * 0.1)"
                    " WHERE id = ANY($1)",
                    ids,
                    interval(frequency),
                )
        await _go_on(scope)
        await _put_lost_jobs_back(scope)
    return asked


async def _go_on(scope: Scope) -> None:
    """Runs of chosen streams or from a day on that failed in passing trouble are gone on with when their pause is over."""
    due = await scope.sql.fetch(
        """SELECT r.id, r.org_id, r.connection_id, r.request FROM client_api_sync_results r
           JOIN client_api_credentials c ON c.id = r.connection_id AND c.status IN ('active', 'error')
           JOIN organizations o ON o.id = r.org_id AND o.disabled_at IS NULL
           WHERE r.again_at <= now()
             AND NOT EXISTS (SELECT FROM api_platform_configs p WHERE p.platform_type = c.platform_type AND NOT p.enabled)
           ORDER BY r.again_at LIMIT 50 FOR NO KEY UPDATE OF r SKIP LOCKED"""
    )
    for row in due:
        asked = decode(row["request"])
        await scope.sql.execute("UPDATE client_api_sync_results SET again_at = NULL WHERE id = $1", row["id"])
        if asked is not None:
            await go_on(scope, org_id=row["org_id"], connection_id=row["connection_id"], asked=asked)


async def _put_lost_jobs_back(scope: Scope) -> None:
    """A run without a job (its worker was killed between the two ends of a job) would wait for ever: ask again."""
    lost = await scope.sql.fetch(
        """SELECT r.org_id, r.connection_id, r.run_id, r.request FROM client_api_sync_results r
           JOIN client_api_credentials c ON c.id = r.connection_id AND c.status IN ('active', 'error')
           WHERE r.status IN ('queued', 'running') AND r.queued_at < now() - interval '1 minute'
             AND NOT EXISTS (SELECT FROM pgqueuer q WHERE q.dedupe_key = 'run:' || r.run_id::text)
           LIMIT 50"""
    )
    for row in lost:
        org_id: UUID = row["org_id"]
        job = SyncJob(org_id=org_id, connection_id=row["connection_id"], run_id=row["run_id"])
        await put_job(scope, job, "retry", decode(row["request"]))
        _log.warning("sync_job_put_back", connection_id=row["connection_id"])
