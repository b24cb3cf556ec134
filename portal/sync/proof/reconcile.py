"""Comparing with the store's own list once a day, and at a glance after every run (`glancing.py`).

A force-deleted order is a 404 and a deleted refund moves no stamp, so neither a cursor nor a webhook ever tells: only the list
does. What we hold beyond it is asked for by id, and deleted when the store does not know it; what the list has beyond ours, or
says otherwise, is fetched. The outcome is kept as a row of `reconciliations` (docs/proof.md).
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from portal.foundation.bus import Event
from portal.foundation.errors import AuthFailed, ConnectorError, RateLimited
from portal.foundation.runtime import Runtime
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.progress import StreamProgress
from portal.sync.proof import outcomes
from portal.sync.proof.comparing import TABLES
from portal.sync.proof.comparison import Comparison, empty_page
from portal.sync.proof.glancing import glance, settle
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
    compared = False
    for stream in attempt.connector.manifest.streams:
        if not _is_ready(attempt, stream.name):
            continue
        compared = True
        if not _is_due(attempt, stream.name, known) and not await _at_a_glance(attempt, stream.name, known):
            continue
        progress = attempt.streams[ids_of(stream.name)] = StreamProgress(phase="incremental")
        try:
            with attempt.log.part(ids_of(stream.name)):
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
        if progress.phase == "done":
            await settle(attempt, stream.name)
    if compared:
        await tell(attempt.rt, attempt.org_id, attempt.connection.id)


async def tell(rt: Runtime, org_id: UUID, connection_id: int) -> None:
    """Open pages show what a comparison left: once per run (or heal), whatever it changed."""
    await rt.bus.publish(Event(org_id=org_id, kind="proof", version=0, payload={"connection_id": connection_id}))


async def _at_a_glance(attempt: Attempt, stream: str, known: dict[str, Place]) -> bool:
    """Whether the cheap comparison wants the full one; only of what this run has read."""
    return attempt.streams[stream].phase == "done" and await glance(attempt, stream, known.get(stream))


def _is_ready(attempt: Attempt, stream: str) -> bool:
    state = attempt.streams.get(stream)
    return stream in TABLES and state is not None and state.phase in {"done", "not_due"}


def _is_due(attempt: Attempt, stream: str, known: dict[str, Place]) -> bool:
    read = known.get(stream)
    if read is None or read.phase == "backfill":  # this run was its first reading
        return attempt.streams[stream].done <= WITH_THE_FIRST
    place = known.get(ids_of(stream))
    age = place.seconds_since_completed if place else None
    return age is None or not 0 <= age < EVERY.total_seconds() or attempt.forced


async def _compare(attempt: Attempt, stream: str, progress: StreamProgress) -> None:
    comparison = await Comparison.begin(attempt, stream, ids_of(stream))
    beside: dict[str, Comparison] = {}
    cursor = None
    while True:
        page = await attempt.connector.ids(stream, cursor)
        await comparison.take(page)
        for name, other in page.beside.items():
            if name not in beside:
                beside[name] = await Comparison.begin(attempt, name, ids_of(name))
            await beside[name].take(other)
        progress.done = comparison.listed
        await attempt.tell()
        if page.finished or attempt.halted:
            break
        cursor = page.next
    if attempt.halted:
        return
    gone = await comparison.beyond()
    if gone and comparison.complete and not comparison.listed:
        # A store that lists nothing at all is ill, not empty.
        await _unknown(attempt, stream, progress, "The store listed nothing at all, but there were rows before.")
        return
    for companion in beside.values():
        await companion.finish(await companion.beyond())
    progress.phase, progress.total = "done", comparison.listed
    await comparison.finish(gone)


async def _unknown(attempt: Attempt, stream: str, progress: StreamProgress, reason: str) -> None:
    """Said on the page; the comparison is due again with the next run."""
    progress.phase = "failed"

    async def also(scope: Scope) -> None:
        await outcomes.save_unknown(
            scope, attempt.org_id, attempt.connection.id, stream, run_id=attempt.run_id, reason=reason
        )

    await attempt.commit(ids_of(stream), empty_page(), Place(cursor={}, phase="incremental"), also=also)
