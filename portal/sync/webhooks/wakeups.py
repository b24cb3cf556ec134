"""Who works on a store's deliveries, and how nobody's wake-up is lost or doubled.

Per connection one job waits (`waiting_key`) and one works (`working_key`). Whoever stores deliveries holds an advisory lock
shared until its commit; a worker holds it alone while it says "I work now" and "nothing is left". Storing therefore waits for
no other storing, and never for the row of the connection, which a sync holds as long as it writes a page.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import msgspec
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from portal.sync.jobs import WEBHOOKS, WebhookJob
from portal.tenancy.scope import Scope

_PRIORITY = 10


def waiting_key(connection_id: int) -> str:
    """Dedupe key of the one webhook job that waits."""
    return f"webhooks:{connection_id}"


def working_key(connection_id: int) -> str:
    """Dedupe key of the one webhook job that works: PostgreSQL's unique index keeps it the only one."""
    return f"webhooks-at-work:{connection_id}"


async def begin_storing(scope: Scope, connections: Collection[int]) -> None:
    """Until the end of the transaction no worker says that nothing is left for these connections."""
    await scope.sql.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('webhooks:' || id, 0)) FROM unnest($1::bigint[]) AS of(id)",
        sorted(connections),
    )


async def wake(scope: Scope, connections: Collection[tuple[UUID, int]]) -> None:
    """Queue the work on what was stored after `begin_storing`; one waiting job per connection is enough."""
    # In one order, so that two transactions that wake the same connections never wait for each other in a circle.
    wanted = sorted(connections, key=lambda each: each[1])
    await _queries(scope).enqueue(
        [WEBHOOKS] * len(wanted),
        [msgspec.json.encode(WebhookJob(org_id=org, connection_id=each)) for org, each in wanted],
        [_PRIORITY] * len(wanted),
        dedupe_key=[waiting_key(each) for _, each in wanted],
        on_conflict="skip",
    )


async def wake_later(scope: Scope, org_id: UUID, connection_id: int, wait: timedelta) -> None:
    """Queue the work on what is to be tried again after a while. Beside the job that waits, so that it holds up nothing."""
    await _queries(scope).enqueue(
        WEBHOOKS,
        msgspec.json.encode(WebhookJob(org_id=org_id, connection_id=connection_id)),
        priority=_PRIORITY,
        execute_after=max(wait, timedelta(0)),
        dedupe_key=f"webhooks-later:{connection_id}",
        on_conflict="skip",
    )


async def claim(scope: Scope, connection_id: int, job_id: int) -> bool:
    """Make this job the one at work. False when another one is: it reads once more before it ends, so this one may end."""
    await alone(scope, connection_id)
    at_work = await scope.sql.fetchval("SELECT id FROM pgqueuer WHERE dedupe_key = $1", working_key(connection_id))
    if at_work is not None and at_work != job_id:
        # From here on whoever stores queues a job of its own: this one is over, although its row may stand a while.
        await scope.sql.execute("UPDATE pgqueuer SET dedupe_key = NULL WHERE id = $1", job_id)
        return False
    await scope.sql.execute("UPDATE pgqueuer SET dedupe_key = $2 WHERE id = $1", job_id, working_key(connection_id))
    return True


async def let_go(scope: Scope, job_id: int) -> None:
    """This job is at work no more. The caller holds the lock (`alone`) and has just seen that nothing is left."""
    await scope.sql.execute("UPDATE pgqueuer SET dedupe_key = NULL WHERE id = $1", job_id)


async def alone(scope: Scope, connection_id: int) -> None:
    """Until the end of the transaction nobody stores deliveries of this connection."""
    await scope.sql.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('webhooks:' || $1::bigint, 0))", connection_id
    )


async def put_lost_back(scope: Scope) -> None:
    """Wake up for deliveries that wait without any job (one that was deleted by hand, say). In a platform scope."""
    lost = await scope.sql.fetch(
        """SELECT DISTINCT d.org_id, d.connection_id FROM webhook_deliveries d
           WHERE d.processed_at IS NULL AND d.received_at < now() - interval '5 minutes' AND NOT EXISTS (
             SELECT FROM pgqueuer q WHERE q.dedupe_key IN ('webhooks:' || d.connection_id,
               'webhooks-at-work:' || d.connection_id, 'webhooks-later:' || d.connection_id))"""
    )
    if lost:
        await wake(scope, [(row["org_id"], row["connection_id"]) for row in lost])


def _queries(scope: Scope) -> Queries:
    return Queries(AsyncpgDriver(scope.sql))
