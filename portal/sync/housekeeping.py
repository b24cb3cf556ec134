"""What is kept too long otherwise: processed deliveries, finished jobs, old runs, old comparisons and notices."""

from __future__ import annotations

from datetime import timedelta

from portal.foundation.runtime import Runtime
from portal.sync.jobs import prune_log
from portal.sync.webhooks.wakeups import put_lost_back
from portal.tenancy.scope import platform

JOB_LOG, RUNS, PROOFS = timedelta(days=2), timedelta(days=90), timedelta(days=90)
"""How long they are kept. Deliveries: `PORTAL_WEBHOOK_DAYS`, which outlasts a store's longest retry, so that a late duplicate is
still recognised.

Of comparisons and notices the newest stay whatever their age. Restatements are the record of what was stated: they stay.
"""
_PART = 5_000


async def keep_house(rt: Runtime) -> None:
    """Prune, across tenants. Safe to run at any time and in several workers."""
    await _forget_deliveries(rt, timedelta(days=rt.settings.webhook_days))
    async with platform(rt.database, "prune old sync rows") as scope:
        await put_lost_back(scope)
        await scope.sql.execute(
            """DELETE FROM client_api_sync_results WHERE finished_at < now() - $1::interval
               AND status IN ('success', 'failed', 'cancelled')""",
            RUNS,
        )
        await scope.sql.execute(
            """DELETE FROM reconciliations r WHERE at < now() - $1::interval AND EXISTS (SELECT FROM reconciliations n
                 WHERE n.org_id = r.org_id AND n.connection_id = r.connection_id AND n.stream = r.stream AND n.id > r.id)""",
            PROOFS,
        )
        await scope.sql.execute(
            """DELETE FROM notices r WHERE at < now() - $1::interval AND EXISTS (SELECT FROM notices n
                 WHERE n.org_id = r.org_id AND n.connection_id = r.connection_id AND n.kind = r.kind AND n.id > r.id)""",
            PROOFS,
        )
        await prune_log(scope, JOB_LOG)


async def _forget_deliveries(rt: Runtime, kept: timedelta) -> None:
    """Those that are done with, in parts, so that no transaction is long. What still waits is never forgotten."""
    while True:
        async with platform(rt.database, "forget old webhook deliveries") as scope:
            done: str = await scope.sql.execute(
                """DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries
                     WHERE received_at < now() - $1::interval AND processed_at < now() - interval '1 day' LIMIT $2)""",
                kept,
                _PART,
            )
        if int(done.rpartition(" ")[2]) < _PART:
            return
