"""The cheap comparison that ends a run: the store's own count against ours, and the rows that changed lately, with their money.

A few requests of each stream that was read (the connector says how many; none is repeated patiently). What the changed rows
show is healed at once. When they showed anything, or the count is not where the last full comparison left it, everything is
compared in the same run: at most every six hours, so that a store whose count is off by itself is not read whole again and
again. `apart` remembers by how much the two counts differ when nothing is wrong (rows that could not be taken over, rows that
a store counts and does not list).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import structlog

from portal.connectors.answers import IdPage
from portal.connectors.glance import Glance, Glances
from portal.foundation.errors import ConnectorError
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.progress import StreamProgress
from portal.sync.proof import glances
from portal.sync.proof.comparison import Comparison
from portal.sync.proof.glances import EARLY, Seen
from portal.tenancy.scope import tenant

SELDOM = timedelta(minutes=5)
"""Runs that follow each other faster (deliveries ask for them) are not each compared."""
_SHORTEST, _LONGEST, _BEFORE = timedelta(hours=1), timedelta(hours=24), timedelta(minutes=10)
_log = structlog.get_logger("portal.sync")


def glance_of(stream: str) -> str:
    """The name under which the cheap comparison of `stream` stands beside the streams of a run."""
    return f"glance:{stream}"


async def glance(attempt: Attempt, stream: str, last_read: Place | None) -> bool:
    """Compare `stream` at a glance; whether it has to be compared in full now. Trouble with the store is only noted."""
    connector = attempt.connector
    if not isinstance(connector, Glances):
        return False
    async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
        before = (await glances.seen(scope, attempt.connection.id)).get(stream)
    if before is not None and before.age < SELDOM.total_seconds() and before.state != "unknown":
        return False
    looking = _Look(attempt, connector, stream, _since(attempt.rt.clock(), last_read))
    progress = attempt.streams[glance_of(stream)] = StreamProgress(phase="incremental")
    try:
        with attempt.log.part(glance_of(stream)):
            found = await looking.look(before)
    except ConnectorError as error:
        _log.info("glance_failed", connection_id=attempt.connection.id, stream=stream, code=error.code)
        found = Seen(stream=stream, at=attempt.rt.clock(), state="unknown", reason=error.message[:500])
    if found is None:
        del attempt.streams[glance_of(stream)]
        return False
    progress.phase, progress.done = ("failed" if found.state == "unknown" else "done"), found.looked
    return await _keep(attempt, found, before)


async def settle(attempt: Attempt, stream: str) -> None:
    """After a full comparison: remember by how much the store's count and ours are apart when both have the same rows."""
    connector = attempt.connector
    if not isinstance(connector, Glances):
        return
    try:
        said = await connector.glance(stream, None)
    except ConnectorError:
        return  # the last one stands; the next run looks again
    if said is None:
        return
    async with tenant(attempt.rt.database, attempt.org_id) as scope:
        held = await glances.held(scope, attempt.connection.id, stream)
        apart = None if said.total is None else said.total - held
        values = {"state": "even", "reason": "", "counted": said.total, "held": held, "base": held, "apart": apart}
        rest = {"since": None, "looked": 0, "found": 0, "healed": 0, "requests": said.requests}
        await glances.save(scope, attempt.connection.id, attempt.run_id, stream, **values, **rest)


class _Look:
    """One look at one stream."""

    def __init__(self, attempt: Attempt, connector: Glances, stream: str, since: datetime) -> None:
        self._attempt, self._connector, self._stream, self._since = attempt, connector, stream, since

    async def look(self, before: Seen | None) -> Seen | None:
        """What was seen. Looked at twice when the counts differ: a row may have come between the two questions."""
        attempt = self._attempt
        comparison = await Comparison.begin(attempt, self._stream, glance_of(self._stream))
        apart = before.apart if before else None
        requests, seen = 0, None
        for _ in range(2):
            said = await self._connector.glance(self._stream, self._since)
            if said is None:
                return None
            requests += said.requests
            await comparison.take(_page(said))
            async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
                held = await glances.held(scope, attempt.connection.id, self._stream)
            found = sum(each.count for each in comparison.found.values())
            healed = sum(each.healed for each in comparison.found.values())
            seen = Seen(
                stream=self._stream,
                at=attempt.rt.clock(),
                state="different" if healed < found else "healed" if found else "even",
                counted=said.total,
                held=held,
                apart=apart,
                since=self._since if said.listed else None,
                looked=comparison.listed,
                found=found,
                healed=healed,
                requests=requests,
                full_at=before.full_at if before else None,
            )
            if not seen.moved or attempt.halted:
                break
        return seen


async def _keep(attempt: Attempt, found: Seen, before: Seen | None) -> bool:
    """Write what was seen; whether everything is compared now because of it."""
    now, due = attempt.rt.clock(), bool(found.found or found.moved) and found.apart is not None
    may = found.full_at is None or now - found.full_at >= EARLY
    state, reason = found.state, found.reason
    if found.moved:
        state, reason = "different", _count_words(found)
    elif found.found > found.healed:
        reason = f"{found.found - found.healed:,} of the {found.looked:,} rows that changed lately could not be made the same."
    if due and not may and found.full_at is not None:
        reason = f"{reason} Compared in full again at {found.full_at + EARLY:%H:%M} UTC at the earliest.".strip()
    values = {
        name: getattr(found, name) for name in ("counted", "held", "looked", "found", "healed", "requests", "since")
    }
    attempt.log.glances[found.stream] = msgspec.structs.replace(found, state=state, reason=reason)
    async with tenant(attempt.rt.database, attempt.org_id) as scope:
        full = {"full_at": now} if due and may else {}
        await glances.save(
            scope, attempt.connection.id, attempt.run_id, found.stream, state=state, reason=reason, **values, **full
        )
    return due and may


def _count_words(found: Seen) -> str:
    rows = "row" if abs(found.moved) == 1 else "rows"
    than = "here" if not found.apart else "at the last full comparison"
    return f"The store counts {abs(found.moved):,} {rows} {'more' if found.moved > 0 else 'fewer'} than {than}."


def _page(said: Glance) -> IdPage:
    return IdPage(ids=list(said.listed), listed=said.listed, next={}, finished=True, complete=False)


def _since(now: datetime, last_read: Place | None) -> datetime:
    """A while before the stream was read last, at least an hour ago and at most a day."""
    age = last_read.seconds_since_completed if last_read else None
    return now - min(_LONGEST, max(_SHORTEST, timedelta(seconds=age or 0) + _BEFORE))
