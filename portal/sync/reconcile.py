"""Comparing ids with the store once a day: what was deleted there for good says so in no other way.

A force-deleted order is a 404 and a deleted refund moves no stamp, so neither a cursor nor a webhook ever tells. The store's
ids are kept as 8-byte digests (8 MB per million); what we hold beyond them, and held before the comparison began, was
deleted there; what the store has beyond ours is fetched.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from datetime import datetime, timedelta

import structlog

from portal.commerce.records import Deleted
from portal.connectors.base import Page
from portal.foundation.errors import AuthFailed, ConnectorError, RateLimited
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.progress import StreamProgress
from portal.tenancy.scope import tenant

EVERY = timedelta(hours=24)
_TABLES = {"orders": "orders", "refunds": "refunds", "products": "products", "customers": "customers"}
_CHUNK = 5000
_log = structlog.get_logger("portal.sync")


def ids_of(stream: str) -> str:
    """The name under which the comparison of `stream` is kept beside the streams' own places and progress."""
    return f"ids:{stream}"


async def reconcile(attempt: Attempt, known: dict[str, Place]) -> None:
    """Compare every stream that is due. Trouble with one is logged and tried again with the next run; the rows that the
    streams brought are good without it. Raises `AuthFailed`, `RateLimited`, `LeaseLost`."""
    for stream in attempt.connector.manifest.streams:
        place = known.get(ids_of(stream.name))
        read = known.get(stream.name)
        if stream.name not in _TABLES or read is None or read.phase == "backfill":
            continue  # a first reading has just read everything
        age = place.seconds_since_completed if place else None
        if age is not None and age < EVERY.total_seconds() and not attempt.forced:
            continue
        progress = attempt.streams[ids_of(stream.name)] = StreamProgress(phase="incremental")
        try:
            await _compare(attempt, stream.name, progress)
        except (AuthFailed, RateLimited):
            raise
        except ConnectorError as error:
            progress.phase = "failed"
            _log.warning(
                "reconciliation_failed", connection_id=attempt.connection.id, stream=stream.name, code=error.code
            )
        if attempt.halted:
            return


async def _compare(attempt: Attempt, stream: str, progress: StreamProgress) -> None:
    async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
        began: datetime = await scope.sql.fetchval("SELECT now()")
    name, seen, cursor = ids_of(stream), array("Q"), None
    while True:
        page = await attempt.connector.ids(stream, cursor)
        seen.extend(_digest(each) for each in page.ids)
        missing = await _not_held(attempt, stream, list(page.ids))
        for start in range(0, len(missing), 100):
            fetched = await attempt.connector.fetch(stream, missing[start : start + 100])
            await _commit(attempt, name, fetched, done=len(seen), finished=False)
        progress.done = len(seen)
        await attempt.tell()
        if page.finished or attempt.halted:
            break
        cursor = page.next
    if attempt.halted:
        return
    ordered = array("Q", sorted(seen))
    # A platform that hides older rows lists fewer than it has: then only what it has beyond ours can be said.
    gone = await _held_beyond(attempt, stream, ordered, began) if page.complete else []
    progress.phase, progress.total = "done", len(seen)
    if gone and not ordered:
        progress.phase = "failed"  # a store that lists nothing at all is ill, not empty
        return
    if gone:
        _log.info("reconciliation_found_deleted", connection_id=attempt.connection.id, stream=stream, rows=len(gone))
    deleted = [Deleted(external_id=each, modified_at=began, of=stream) for each in gone]
    await _commit(attempt, name, Page(records=deleted, next={}, caught_up=True), done=len(seen), finished=True)


async def _commit(attempt: Attempt, name: str, page: Page, *, done: int, finished: bool) -> None:
    page.caught_up, page.next = finished, {}
    await attempt.commit(name, page, Place(cursor={}, phase="incremental", done=done, total=done))


async def _not_held(attempt: Attempt, stream: str, ids: list[str]) -> list[str]:
    """Which of `ids` we know nothing of (a rejected row is known, and so is a deleted one)."""
    async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
        rows = await scope.sql.fetch(
            f"""SELECT id FROM unnest($2::text[]) AS named(id) WHERE NOT EXISTS (
                  SELECT FROM {_TABLES[stream]} t WHERE t.org_id = portal_org() AND t.connection_id = $1 AND t.external_id = id)
                AND NOT EXISTS (SELECT FROM sync_rejects r WHERE r.connection_id = $1 AND r.stream = $3 AND r.external_id = id)""",  # noqa: S608
            attempt.connection.id,
            ids,
            stream,
        )
    return [row["id"] for row in rows]


async def _held_beyond(attempt: Attempt, stream: str, ordered: array[int], began: datetime) -> list[str]:
    """Live rows that we held before the comparison and that the store did not name."""
    gone: list[str] = []
    after = ""
    while True:
        async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
            rows = await scope.sql.fetch(
                f"""SELECT external_id FROM {_TABLES[stream]} WHERE org_id = portal_org() AND connection_id = $1
                      AND external_id > $2 AND deleted_at IS NULL AND arrived_at < $3 ORDER BY external_id LIMIT {_CHUNK}""",  # noqa: S608
                attempt.connection.id,
                after,
                began,
            )
        gone += [row["external_id"] for row in rows if not _contains(ordered, _digest(row["external_id"]))]
        if len(rows) < _CHUNK:
            return gone
        after = rows[-1]["external_id"]


def _contains(ordered: array[int], digest: int) -> bool:
    place = bisect_left(ordered, digest)
    return place < len(ordered) and ordered[place] == digest


def _digest(identifier: str) -> int:
    return int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest(), "big")
