"""Reading one stream to its end: the next pages are fetched while earlier ones are written (`ahead`)."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from portal.connectors.answers import Page
from portal.connectors.manifest import Stream
from portal.foundation.errors import ConnectorError, Permanent, RateLimited, Temporary
from portal.foundation.outbound.spent import waited
from portal.sync.ahead import Ahead, together
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place, advance, rows_of
from portal.sync.holdings import holds_any
from portal.sync.progress import Pace, StreamProgress
from portal.tenancy.scope import tenant


class Stopping(Exception):
    """The worker stops while it waits for the store: the run is put back, not failed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a run meets trouble: seconds to wait before each repeat of a page (outbound has repeated the request itself
    already), the longest `Retry-After` it sits out, and the longest a page may take whatever the connector does."""

    waits: tuple[float, ...] = (2, 8, 20)
    longest_wait: float = 90.0
    page_seconds: float = 600.0


async def sync_stream(attempt: Attempt, stream: Stream, place: Place | None, patience: Patience) -> None:
    """Read `stream` from `place` until it is caught up or the attempt is halted. Raises `ConnectorError`, `LeaseLost`."""
    if place is not None and _not_due(attempt, stream, place):
        attempt.streams[stream.name] = StreamProgress(phase="not_due", done=place.done, total=place.total)
        return
    place = place or Place()
    if place.seconds_since_completed is not None:  # a new pass
        place = Place(cursor=place.cursor, phase=place.phase)
    state = attempt.streams[stream.name] = StreamProgress(phase=place.phase, done=place.done, total=place.total)
    pace, whole = Pace(), _is_whole(stream, place)
    async with Ahead(partial(_fetch, attempt, stream.name, patience), place.cursor, attempt.rt.clock) as ahead:
        while True:
            pages, arrived_at = await ahead.arrived()
            page = together(pages)
            begun, place = place, advance(place, page)
            if whole and page.caught_up and not place.done and await _held_some(attempt, stream, page):
                await _begin_anew(attempt, stream, begun)
                raise Permanent(
                    f"The store answered with no {stream.name}, but there were some before.",
                    "Check that the address and the key belong to the right store. Nothing was deleted here.",
                    code="PLATFORM_EMPTY",
                )
            state.done, state.total, state.trouble = place.done, place.total, ""
            state.rows_per_second = pace.step(rows_of(page))
            state.eta_seconds = pace.eta(place.done, place.total)
            if page.caught_up:
                state.phase, state.eta_seconds = "done", 0
            await attempt.commit(stream.name, page, place, arrived_at=arrived_at)
            if page.caught_up or attempt.halted:
                return


def _not_due(attempt: Attempt, stream: Stream, place: Place) -> bool:
    age = place.seconds_since_completed  # below zero: the database's clock was set back, and tells nothing of it
    return (
        stream.every is not None and not attempt.forced and age is not None and 0 <= age < stream.every.total_seconds()
    )


def _is_whole(stream: Stream, place: Place) -> bool:
    """Whether this reading gives everything that the store has: it began, now or in an earlier run, without a mark."""
    return place.cursor is None or place.phase == "backfill" or stream.cursor == "full"


async def _held_some(attempt: Attempt, stream: Stream, page: Page) -> bool:
    """A whole reading that found nothing where we hold rows is a wrong store or a broken one, not a success."""
    if page.total:
        return False
    async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
        return await holds_any(scope, attempt.connection.id, stream.name)


async def _begin_anew(attempt: Attempt, stream: Stream, place: Place) -> None:
    """Forget how far the reading came that found nothing: what it passed over is read when the store has it again."""
    if place.cursor is not None:
        nothing = Page(records=(), next={}, caught_up=False)
        await attempt.commit(stream.name, nothing, Place(phase=place.phase))


async def _fetch(attempt: Attempt, stream: str, patience: Patience, cursor: dict[str, Any] | None) -> Page:
    """One page, repeated with patience while the trouble is of the passing kind."""
    for wait in patience.waits:
        try:
            return await _once(attempt, stream, cursor, patience)
        except RateLimited as error:
            asked = error.retry_after if error.retry_after is not None else wait
            if asked > patience.longest_wait:
                raise
            wait = asked  # noqa: PLW2901 - the store's own wish replaces ours
            await _tell_of(attempt, stream, error)
        except Temporary as error:
            await _tell_of(attempt, stream, error)
        waited(wait, repeat=True)
        await _sleep(attempt.stop, wait * random.uniform(1.0, 1.2))  # noqa: S311 - jitter guards nothing
    return await _once(attempt, stream, cursor, patience)


async def _tell_of(attempt: Attempt, stream: str, error: ConnectorError) -> None:
    """Say on the page why nothing comes: the next page that does takes it back."""
    attempt.streams[stream].trouble = error.message
    await attempt.announce()


async def _once(attempt: Attempt, stream: str, cursor: dict[str, Any] | None, patience: Patience) -> Page:
    try:
        async with asyncio.timeout(patience.page_seconds):
            return await attempt.connector.page(stream, cursor)
    except TimeoutError:
        raise Temporary("The store did not send a page in time.", "It will be tried again by itself.") from None


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not through the worker's stop: the wait is what a stopping worker need not sit out."""
    if stop.is_set():
        raise Stopping
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
        raise Stopping
