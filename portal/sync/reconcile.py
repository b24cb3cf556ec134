"""Comparing with the store's own list once a day: what was deleted there for good says so in no other way.

A force-deleted order is a 404 and a deleted refund moves no stamp, so neither a cursor nor a webhook ever tells. What we hold
beyond the store's list is asked for by id, and deleted when the store does not know it; what the list has beyond ours, or
says otherwise, is fetched. The outcome is kept as a row of `reconciliations` (docs/proof.md).
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from portal.foundation.errors import AuthFailed, ConnectorError, RateLimited
from portal.sync import proof
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.comparing import TABLES
from portal.sync.comparison import Comparison, empty_page
from portal.sync.progress import StreamProgress
from portal.tenancy.scope import Scope

EVERY = timedelta(hours=24)
WITH_THE_FIRST = 2_000
"""A first reading of so few rows is compared at once: twenty requests for a proof from the first minute on."""
_log = structlog.get_logger("portal.sync")


def ids_of(stream: str) -> str:
    """The name under which the comparison of `stream` is kept beside the streams' own places and progress."""
    return f"ids:{stream}"


async def reconcile(attempt: Attempt, known: dict[str, Place]) -> None:
    """Compare every stream that is due. Trouble with one is logged and tried again with the next run; the rows that the
    streams brought are good without it. Raises `AuthFailed`, `RateLimited`, `LeaseLost`."""
    for stream in attempt.connector.manifest.streams:
        if not _is_due(attempt, stream.name, known):
            continue
        progress = attempt.streams[ids_of(stream.name)] = StreamProgress(phase="incremental")
        try:
            await _compare(attempt, stream.name, progress)
        except (AuthFailed, RateLimited):
            raise
        except ConnectorError as error:
            _log.warning(
                "reconciliation_failed", connection_id=attempt.connection.id, stream=stream.name, code=error.code
            )
            await _unknown(attempt, stream.name, progress, f"{error.message} {error.advice}".strip())
        if attempt.halted:
            return


def _is_due(attempt: Attempt, stream: str, known: dict[str, Place]) -> bool:
    state = attempt.streams.get(stream)
    if stream not in TABLES or state is None or state.phase not in {"done", "not_due"}:
        return False
    read = known.get(stream)
    if read is None or read.phase == "backfill":  # this run was its first reading
        return state.done <= WITH_THE_FIRST
    place = known.get(ids_of(stream))
    age = place.seconds_since_completed if place else None
    return age is None or age >= EVERY.total_seconds() or attempt.forced


async def _compare(attempt: Attempt, stream: str, progress: StreamProgress) -> None:
    comparison = await Comparison.begin(attempt, stream, ids_of(stream))
    cursor = None
    while True:
        page = await attempt.connector.ids(stream, cursor)
        await comparison.take(page)
        progress.done = comparison.listed
        await attempt.tell()
        if page.finished or attempt.halted:
            break
        cursor = page.next
    if attempt.halted:
        return
    gone = await comparison.beyond()
    if gone and not comparison.listed:
        # A store that lists nothing at all is ill, not empty.
        await _unknown(attempt, stream, progress, "The store listed nothing at all, but there were rows before.")
        return
    progress.phase, progress.total = "done", comparison.listed
    await comparison.finish(gone)


async def _unknown(attempt: Attempt, stream: str, progress: StreamProgress, reason: str) -> None:
    """Said on the page; the comparison is due again with the next run."""
    progress.phase = "failed"

    async def also(scope: Scope) -> None:
        await proof.save_unknown(
            scope, attempt.org_id, attempt.connection.id, stream, run_id=attempt.run_id, reason=reason
        )

    await attempt.commit(ids_of(stream), empty_page(), Place(cursor={}, phase="incremental"), also=also)
