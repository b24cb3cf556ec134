"""Jobs in PostgreSQL (pgqueuer): enqueued in the caller's own transaction, so a job exists exactly when its rows do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Conflict, Missing
from portal.stores.connection import SYNCED
from portal.sync import asked as requests
from portal.sync import runs
from portal.sync.asked import Asked
from portal.tenancy.scope import Scope

SYNC = "sync_connection"
BACKFILL = "backfill_connection"
SYNC_CROWD = "sync_connection_crowd"
BACKFILL_CROWD = "backfill_connection_crowd"
WEBHOOKS = "process_webhooks"
HOUSEKEEPING = "housekeeping"

Trigger = Literal["first", "schedule", "manual", "webhook", "retry"]
# One organization's place in a lane that all share: how many jobs it may have there. What it has beyond waits in the lane's
# crowd, in turns with those of other large organizations, so that fifty stores of one client never stand before one of another.
_SHARE = {SYNC: 2, BACKFILL: 1}
_CROWD = {SYNC: SYNC_CROWD, BACKFILL: BACKFILL_CROWD}
_PRIORITY: dict[str, int] = {"first": 20, "manual": 20, "webhook": 10, "retry": 0, "schedule": 0}


class SyncJob(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of the four lanes of runs."""

    org_id: UUID
    connection_id: int
    run_id: UUID


class WebhookJob(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of `process_webhooks`: whatever waits for this connection."""

    org_id: UUID
    connection_id: int


async def request_sync(
    scope: Scope,
    *,
    org_id: UUID,
    connection_id: int,
    trigger: Trigger,
    streams: Sequence[str] | None = None,
    since: date | None = None,
) -> tuple[int, str]:
    """Queue a run of the connection in the caller's transaction; returns (row of `client_api_sync_results`, its status).

    Without `streams` and `since` it is an ordinary run of everything. `streams`: only these, from where they stand. `since`: what
    changed from that day of the organization on is read again, beside the ordinary runs, whose cursors stay where they are.

    A queued or running one that was asked for the same is returned instead; an ordinary one becomes the person's when a person
    asks for it, so that it reads what is not due yet and compares everything (`runs.take_over`). Raises `Missing`; `Conflict`
    when the connection is paused, or at another request of chosen streams; `Invalid` by field. A job that was lost is put back,
    and moved forward when this trigger is more urgent.
    """
    platform = await _open_for_runs(scope, org_id, connection_id)
    asked = None
    if streams is not None or since is not None:
        asked = await requests.understood(scope, connection_id, platform, streams, since)
    row = await scope.sql.fetchrow(
        """SELECT id, run_id, status, request FROM client_api_sync_results
           WHERE org_id = $1 AND connection_id = $2 AND status IN ('queued', 'running') AND (request IS NULL) = $3
           ORDER BY id LIMIT 1""",
        org_id,
        connection_id,
        asked is None,
    )
    if row is not None and asked is not None:
        under_way = requests.decode(row["request"])
        if under_way is not None and not under_way.same(asked):
            told = under_way.words(manifest_of(platform))
            state = "being read" if row["status"] == "running" else "waiting to be read"
            raise Conflict(
                f"This is {state} already: {told}.",
                details={"advice": "Wait until it is done or stop it, then ask again."},
            )
    if row is None:
        # Asked for anew, by a person: what an earlier request still had before it is not taken up again.
        if asked is not None:
            await scope.sql.execute(
                "UPDATE client_api_sync_results SET again_at = NULL WHERE connection_id = $1 AND again_at IS NOT NULL",
                connection_id,
            )
        row = await _insert(scope, org_id, connection_id, trigger, asked)
    elif asked is None and trigger == "manual":
        await runs.take_over(scope, row["run_id"])
    elif asked is None and trigger == "webhook":
        await runs.follow_up(scope, row["run_id"])
    job = SyncJob(org_id=org_id, connection_id=connection_id, run_id=row["run_id"])
    await put_job(scope, job, trigger, asked)
    return row["id"], row["status"]


async def go_on(scope: Scope, *, org_id: UUID, connection_id: int, asked: Asked) -> None:
    """Queue a run that goes on with the places of one that failed. Nothing happens beside another one of its kind."""
    busy = await scope.sql.fetchval(
        """SELECT EXISTS (SELECT FROM client_api_sync_results WHERE org_id = $1 AND connection_id = $2
             AND status IN ('queued', 'running') AND request IS NOT NULL)""",
        org_id,
        connection_id,
    )
    if not busy:
        row = await _insert(scope, org_id, connection_id, "retry", asked)
        job = SyncJob(org_id=org_id, connection_id=connection_id, run_id=row["run_id"])
        await put_job(scope, job, "retry", asked)


async def put_job(scope: Scope, job: SyncJob, trigger: Trigger, asked: Asked | None) -> None:
    """Queue the job of a run, once however often it is asked for."""
    lane = BACKFILL if await _is_long(scope, job.connection_id, asked) else SYNC
    waiting = await _waiting(scope, job.org_id, job.run_id)
    priority = _PRIORITY[trigger]
    if waiting.get(lane, 0) >= _SHARE[lane]:
        lane = _CROWD[lane]
        priority -= waiting.get(lane, 0)  # the first of each organization, then the second of each, …
    await _queries(scope).enqueue(
        lane,
        msgspec.json.encode(job),
        priority=priority,
        dedupe_key=f"run:{job.run_id}",
        on_conflict="update_priority",
    )


async def _open_for_runs(scope: Scope, org_id: UUID, connection_id: int) -> str:
    """Lock the connection's row; its platform."""
    found = await scope.sql.fetchrow(
        "SELECT status, polled, platform_type FROM client_api_credentials WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE",
        connection_id,
        org_id,
    )
    if found is None:
        raise Missing("There is no such store.")
    status, polled, platform = found
    if not polled:
        raise Conflict("Files are uploaded by hand; there is nothing to sync.")
    if status not in SYNCED:
        raise Conflict("This store is paused. Resume it first.")
    return str(platform)


async def _insert(scope: Scope, org_id: UUID, connection_id: int, trigger: Trigger, asked: Asked | None) -> Any:
    return await scope.sql.fetchrow(
        """INSERT INTO client_api_sync_results (org_id, connection_id, run_id, trigger, request)
           VALUES ($1, $2, $3, $4, $5) RETURNING id, run_id, status""",
        org_id,
        connection_id,
        uuid4(),
        trigger,
        None if asked is None else requests.encode(asked),
    )


async def _waiting(scope: Scope, org_id: UUID, but: UUID) -> dict[str, int]:
    """The organization's jobs by lane, waiting or at work, without that of the run `but`."""
    rows = await scope.sql.fetch(
        """SELECT q.entrypoint, count(*) AS jobs FROM client_api_sync_results r
           JOIN pgqueuer q ON q.dedupe_key = 'run:' || r.run_id::text
           WHERE r.org_id = $1 AND r.status IN ('queued', 'running') AND r.run_id <> $2 GROUP BY 1""",
        org_id,
        but,
    )
    return {row["entrypoint"]: row["jobs"] for row in rows}


async def prune_log(scope: Scope, older_than: timedelta) -> None:
    """Forget finished jobs: pgqueuer logs every step and keeps it for ever otherwise."""
    await scope.sql.execute("DELETE FROM pgqueuer_log WHERE created < now() - $1::interval", older_than)
    await scope.sql.execute("DELETE FROM pgqueuer_statistics WHERE created < now() - $1::interval", older_than)


async def _is_long(scope: Scope, connection_id: int, asked: Asked | None) -> bool:
    """Whether the run may take hours: a first reading, or one from a day on."""
    if asked is not None and asked.since is not None:
        return True
    found: bool = await scope.sql.fetchval(
        """SELECT count(*) = 0 OR bool_or(phase = 'backfill') FROM sync_cursors
           WHERE connection_id = $1 AND ($2::text[] IS NULL OR stream = ANY($2))""",
        connection_id,
        None if asked is None else list(asked.streams),
    )
    return found


def _queries(scope: Scope) -> Queries:
    return Queries(AsyncpgDriver(scope.sql))
