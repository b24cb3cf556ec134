"""What a store's page shows, read in one transaction: the connection, its runs, its rejected rows, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.stores.connection import FREQUENCIES, StoreConnection
from portal.stores.estimates import Estimate, first_sync
from portal.sync.asked import decode as asked_of
from portal.sync.progress import StreamProgress, decode
from portal.sync.proof.glancing import glance_of
from portal.sync.proof.reconcile import ids_of
from portal.tenancy.scope import Scope

_WORDS = {
    "queued": ("info", "Waiting"),
    "running": ("info", "Syncing"),
    "success": ("good", "Success"),
    "failed": ("bad", "Failed"),
    "cancelled": ("neutral", "Stopped"),
}
_TRIGGERS = {
    "first": "First sync",
    "schedule": "Schedule",
    "manual": "By hand",
    "webhook": "Webhook",
    "retry": "Another try",
}
_RUN_COLUMNS = """id, trigger, status, queued_at, started_at, finished_at, rows_fetched, rows_changed, rows_rejected,
  progress, error, error_code, advice, attempts, request, again_at"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of a run, as the progress bar wants it."""

    label: str
    state: str
    done: int
    total: int | None
    eta_seconds: int | None
    note: str = ""
    trouble: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `client_api_sync_results`, in words."""

    id: int
    status: str
    tone: str
    word: str
    trigger: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rows_fetched: int
    rows_changed: int
    rows_rejected: int
    error: str
    advice: str
    attempts: int
    lines: list[Line]
    asked: str = ""  # what it was asked for, of a run of chosen streams or from a day on
    again_at: datetime | None = None  # it failed, and another one goes on where it was

    @property
    def active(self) -> bool:
        return self.status in {"queued", "running"}

    @property
    def took(self) -> timedelta | None:
        """How long it ran, None while it does or when it never did."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the store that could not be taken over."""

    stream: str
    external_id: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime


class Chip(msgspec.Struct, frozen=True, kw_only=True):
    """A status chip: tone and word."""

    tone: str
    word: str


def chip(connection: StoreConnection, latest: Run | None) -> Chip:
    """The connection's state in one word."""
    if not connection.polled:
        return Chip(tone="good", word="By hand")
    if connection.status == "disabled":
        return Chip(tone="neutral", word="Disabled")
    if connection.status == "paused":
        return Chip(tone="neutral", word="Paused")
    if latest is not None and latest.active:
        return Chip(tone="info", word="Waiting" if latest.status == "queued" else "Syncing")
    if connection.status == "error":
        return Chip(tone="bad", word="Error")
    if connection.last_success_at is None:
        return Chip(tone="info", word="Not synced yet")
    return Chip(tone="good", word="Connected")


def frequency_word(connection: StoreConnection) -> str:
    """ "Hourly", "Every 6 hours", …"""
    if not connection.polled:
        return "by hand"
    return FREQUENCIES[connection.frequency][1]


async def runs_of(scope: Scope, connection: StoreConnection, limit: int = 20) -> list[Run]:
    """The newest runs of one connection, newest first."""
    rows = await scope.sql.fetch(
        f"SELECT {_RUN_COLUMNS} FROM client_api_sync_results WHERE connection_id = $1 ORDER BY id DESC LIMIT $2",  # noqa: S608
        connection.id,
        limit,
    )
    return [_run(connection.platform, row) for row in rows]


async def run_in_detail(scope: Scope, connection: StoreConnection, run: int) -> tuple[Run, str] | None:
    """One run of the connection and its stored log; None when there is no such run."""
    query = f"SELECT {_RUN_COLUMNS}, log FROM client_api_sync_results WHERE connection_id = $1 AND id = $2"  # noqa: S608
    row = await scope.sql.fetchrow(query, connection.id, run)
    return None if row is None else (_run(connection.platform, row), row["log"])


def current(runs: Sequence[Run]) -> Run | None:
    """The run to show among the newest: the one at work, else one that waits, else the last one."""
    for status in ("running", "queued"):
        for run in runs:
            if run.status == status:
                return run
    return runs[0] if runs else None


async def latest_runs(scope: Scope, connections: list[StoreConnection]) -> dict[int, Run]:
    """The run to show of each connection (see `current`)."""
    platforms = {each.id: each.platform for each in connections}
    rows = await scope.sql.fetch(
        f"""SELECT connection_id, {_RUN_COLUMNS} FROM unnest($1::bigint[]) AS wanted(connection_id)
            CROSS JOIN LATERAL (SELECT {_RUN_COLUMNS} FROM client_api_sync_results r
              WHERE r.connection_id = wanted.connection_id
              ORDER BY status = 'running' DESC, status = 'queued' DESC, id DESC LIMIT 1) newest""",  # noqa: S608
        list(platforms),
    )
    return {row["connection_id"]: _run(platforms[row["connection_id"]], row) for row in rows}


async def rejects_of(scope: Scope, connection_id: int, limit: int = 50) -> tuple[list[Reject], int]:
    """The rejected rows seen last, and how many there are."""
    rows = await scope.sql.fetch(
        """SELECT stream, external_id, reason, first_seen_at, last_seen_at FROM sync_rejects
           WHERE connection_id = $1 ORDER BY last_seen_at DESC, stream, external_id LIMIT $2""",
        connection_id,
        limit,
    )
    total = await scope.sql.fetchval("SELECT count(*) FROM sync_rejects WHERE connection_id = $1", connection_id)
    return [Reject(**dict(row)) for row in rows], total


def _run(platform: str, row: Any) -> Run:
    tone, word = _WORDS[row["status"]]
    asked = asked_of(row["request"])
    streams = decode(row["progress"])
    labels: dict[str, str] = {}
    for stream in manifest_of(platform).streams:
        labels[stream.name] = stream.label
        labels[glance_of(stream.name)] = f"{stream.label}: compared at a glance"
        labels[ids_of(stream.name)] = f"{stream.label}: compared with the store"
    return Run(
        id=row["id"],
        status=row["status"],
        tone=tone,
        word=word,
        trigger=_TRIGGERS[row["trigger"]],
        asked=asked.words(manifest_of(platform)) if asked else "",
        again_at=row["again_at"],
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        rows_fetched=row["rows_fetched"],
        rows_changed=row["rows_changed"],
        rows_rejected=row["rows_rejected"],
        error=row["error"] or "",
        advice=row["advice"] or "",
        attempts=row["attempts"],
        # jsonb keeps no order; the manifest's is the order of the work.
        lines=[_line(label, streams[name], row["status"]) for name, label in labels.items() if name in streams],
    )


def _line(label: str, each: StreamProgress, status: str) -> Line:
    state = {
        "waiting": "waiting",
        "done": "done",
        "not_due": "done",
        "not_permitted": "failed",
        "failed": "failed",
    }.get(each.phase, "running" if status == "running" else "failed")
    note = {
        "not_due": "up to date",
        "not_permitted": "the key may not read this",
        "incremental": "changes",
        "again": "read again",
    }.get(each.phase, "")
    total = None if each.total is None else max(each.total, each.done)
    return Line(
        label=label,
        state=state,
        done=each.done,
        total=total,
        eta_seconds=each.eta_seconds,
        note=note,
        trouble=each.trouble if state == "running" else "",
    )


def connection_test(connection: StoreConnection) -> ConnectionTest | None:
    """The last connection test, None when there was none yet."""
    if connection.last_test_at is None or not connection.last_test:
        return None
    return msgspec.convert(connection.last_test, ConnectionTest)


async def estimate_of(scope: Scope, connection: StoreConnection) -> Estimate | None:
    """How long the first sync takes, as long as it is not done; None afterwards, or when nothing can be said."""
    if connection.last_success_at is not None or not connection.polled:
        return None
    return await first_sync(scope, connection.platform, connection_test(connection))


async def today_of(scope: Scope) -> date:
    """The organization's own day."""
    found: date = await scope.sql.fetchval("SELECT (portal_now() AT TIME ZONE timezone)::date FROM organizations")
    return found
