"""What is committed together with a page's rows: the cursor, the rejected rows, the run's progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Page, Rejected
from portal.connectors.values import text
from portal.sync.lease import LeaseLost
from portal.tenancy.scope import Scope


class Place(msgspec.Struct, kw_only=True):
    """Where a stream stands. `done` and `total` count rows of the pass under way; `completed` ends a pass."""

    cursor: dict[str, Any] | None = None
    phase: str = "backfill"
    done: int = 0
    total: int | None = None
    seconds_since_completed: float | None = None  # None: a pass is under way, or none was ever made


async def places(scope: Scope, connection_id: int) -> dict[str, Place]:
    """Every stream's place by name; a stream that never started is not there."""
    rows = await scope.sql.fetch(
        """SELECT stream, cursor, phase, done, total, extract(epoch FROM now() - completed_at)::float8 AS age
           FROM sync_cursors WHERE connection_id = $1""",
        connection_id,
    )
    return {
        row["stream"]: Place(
            cursor=msgspec.json.decode(row["cursor"]) if row["cursor"] is not None else None,
            phase=row["phase"],
            done=row["done"],
            total=row["total"],
            seconds_since_completed=row["age"],
        )
        for row in rows
    }


async def save_place(
    scope: Scope, org_id: UUID, connection_id: int, stream: str, place: Place, *, caught_up: bool
) -> None:
    """Store the cursor with the rows it covers."""
    await scope.sql.execute(
        """INSERT INTO sync_cursors (org_id, connection_id, stream, cursor, phase, done, total, completed_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN now() END, now())
           ON CONFLICT (org_id, connection_id, stream) DO UPDATE SET cursor = excluded.cursor, phase = excluded.phase,
             done = excluded.done, total = excluded.total, completed_at = excluded.completed_at, updated_at = now()""",
        org_id,
        connection_id,
        stream,
        msgspec.json.encode(place.cursor).decode(),
        place.phase,
        place.done,
        place.total,
        caught_up,
    )


async def save_rejects(
    scope: Scope,
    org_id: UUID,
    connection_id: int,
    rejected: Sequence[Rejected],
    records: Sequence[AnyRecord],
) -> None:
    """List rows that could not be mapped or written, and take from the list those that now could."""
    for stream in sorted({record.stream for record in records}):
        await scope.sql.execute(
            "DELETE FROM sync_rejects WHERE connection_id = $1 AND stream = $2 AND external_id = ANY($3)",
            connection_id,
            stream,
            [record.external_id for record in records if record.stream == stream],
        )
    unique = {(each.stream, text(each.external_id, 200)): text(each.reason, 500) for each in rejected}
    if unique:
        await scope.sql.execute(
            """INSERT INTO sync_rejects (org_id, connection_id, stream, external_id, reason)
               SELECT $1, $2, stream, id, reason FROM unnest($3::text[], $4::text[], $5::text[]) AS t(stream, id, reason)
               ON CONFLICT (org_id, connection_id, stream, external_id)
               DO UPDATE SET reason = excluded.reason, last_seen_at = now()""",
            org_id,
            connection_id,
            [stream for stream, _ in unique],
            [identifier for _, identifier in unique],
            list(unique.values()),
        )


async def save_progress(
    scope: Scope, run_id: UUID, progress: str, *, fetched: int, changed: int, rejected: int
) -> None:
    """Add to the run's counts. Raises `LeaseLost` when the run was cancelled meanwhile."""
    found = await scope.sql.fetchval(
        """UPDATE client_api_sync_results SET progress = $2, rows_fetched = rows_fetched + $3,
             rows_changed = rows_changed + $4, rows_rejected = rows_rejected + $5
           WHERE run_id = $1 AND status = 'running' RETURNING true""",
        run_id,
        progress,
        fetched,
        changed,
        rejected,
    )
    if not found:
        raise LeaseLost


def advance(place: Place, page: Page) -> Place:
    """The place after `page`."""
    return Place(
        cursor=page.next,
        phase="incremental" if page.caught_up else place.phase,
        done=place.done + rows_of(page),
        total=page.total if page.total is not None else place.total,
    )


def rows_of(page: Page) -> int:
    """Payload rows of a page."""
    return page.fetched or len(page.records) + len(page.rejected)
