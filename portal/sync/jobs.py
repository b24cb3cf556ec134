"""Jobs in PostgreSQL (pgqueuer): enqueued in the caller's own transaction, so a job exists exactly when its rows do."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

import msgspec
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from portal.foundation.errors import Conflict, Missing
from portal.tenancy.scope import Scope

SYNC = "sync_connection"
BACKFILL = "backfill_connection"
WEBHOOKS = "process_webhooks"
HOUSEKEEPING = "housekeeping"

Trigger = Literal["first", "schedule", "manual", "webhook", "retry"]
_PRIORITY: dict[str, int] = {"first": 20, "manual": 20, "webhook": 10, "retry": 0, "schedule": 0}


class SyncJob(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of `sync_connection` and `backfill_connection`."""

    org_id: UUID
    connection_id: int
    run_id: UUID


class WebhookJob(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of `process_webhooks`: whatever waits for this connection."""

    org_id: UUID
    connection_id: int


async def request_sync(scope: Scope, *, org_id: UUID, connection_id: int, trigger: Trigger) -> tuple[int, str]:
    """Queue a run of the connection in the caller's transaction; returns (row of `client_api_sync_results`, its status).

    A queued or running one is returned instead: there is never more than one. Raises `Missing`, or `Conflict` when the
    connection is paused. Its job is put back if it was lost, and moved forward when this trigger is more urgent.
    """
    found = await scope.sql.fetchrow(
        "SELECT status, polled FROM client_api_credentials WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE",
        connection_id,
        org_id,
    )
    if found is None:
        raise Missing("There is no such store.")
    status, polled = found
    if not polled:
        raise Conflict("Files are uploaded by hand; there is nothing to sync.")
    if status not in {"active", "error"}:
        raise Conflict("This store is paused. Resume it first.")
    row = await scope.sql.fetchrow(
        """SELECT id, run_id, status FROM client_api_sync_results
           WHERE org_id = $1 AND connection_id = $2 AND status IN ('queued', 'running') ORDER BY id LIMIT 1""",
        org_id,
        connection_id,
    )
    if row is None:
        row = await scope.sql.fetchrow(
            """INSERT INTO client_api_sync_results (org_id, connection_id, run_id, trigger)
               VALUES ($1, $2, $3, $4) RETURNING id, run_id, status""",
            org_id,
            connection_id,
            uuid4(),
            trigger,
        )
    job = SyncJob(org_id=org_id, connection_id=connection_id, run_id=row["run_id"])
    await _queries(scope).enqueue(
        BACKFILL if await _is_backfill(scope, connection_id) else SYNC,
        msgspec.json.encode(job),
        priority=_PRIORITY[trigger],
        dedupe_key=f"run:{row['run_id']}",
        on_conflict="update_priority",
    )
    return row["id"], row["status"]


async def request_webhooks(scope: Scope, *, org_id: UUID, connection_id: int) -> None:
    """Queue the processing of this connection's waiting deliveries; one waiting job is enough.

    The caller holds the connection's row lock until its commit (see `deliveries.py` for why that loses no wake-up).
    """
    await _queries(scope).enqueue(
        WEBHOOKS,
        msgspec.json.encode(WebhookJob(org_id=org_id, connection_id=connection_id)),
        priority=10,
        dedupe_key=waiting_key(connection_id),
        on_conflict="skip",
    )


def waiting_key(connection_id: int) -> str:
    """Dedupe key of the one webhook job that waits."""
    return f"webhooks:{connection_id}"


def working_key(connection_id: int) -> str:
    """Dedupe key of the one webhook job that works: PostgreSQL's unique index keeps it the only one."""
    return f"webhooks-at-work:{connection_id}"


async def prune_log(scope: Scope, older_than: timedelta) -> None:
    """Forget finished jobs: pgqueuer logs every step and keeps it for ever otherwise."""
    await scope.sql.execute("DELETE FROM pgqueuer_log WHERE created < now() - $1::interval", older_than)
    await scope.sql.execute("DELETE FROM pgqueuer_statistics WHERE created < now() - $1::interval", older_than)


async def _is_backfill(scope: Scope, connection_id: int) -> bool:
    found: bool = await scope.sql.fetchval(
        """SELECT count(*) = 0 OR bool_or(phase = 'backfill') FROM sync_cursors WHERE connection_id = $1""",
        connection_id,
    )
    return found


def _queries(scope: Scope) -> Queries:
    return Queries(AsyncpgDriver(scope.sql))
