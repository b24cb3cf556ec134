"""One comparison of one stream under way: pages of the store's list in, differences healed, the outcome written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from portal.commerce.records import AnyRecord, Deleted
from portal.connectors.answers import IdPage, Listed, Page
from portal.foundation.errors import NotFound
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.proof import outcomes
from portal.sync.proof.carrying import carry
from portal.sync.proof.comparing import (
    PRICED,
    Held,
    Tally,
    agrees,
    as_listed,
    gone_for_both,
    held,
    reasons,
    told,
    told_ours,
)
from portal.sync.proof.differences import Asked, Found
from portal.sync.proof.named import Named, unnamed
from portal.tenancy.scope import Scope, tenant

_CHUNK = 5000
_AT_ONCE = 100  # ids that a connector fetches in one go
_MOVING = timedelta(minutes=2)  # a row dated after the run began, clocks apart, is on its way and no difference
FEW = 100
"""More rows than this, and more than half of all, are not deleted without somebody looking at it."""
_NOT_LISTED = "The store's list of that time does not have it. Nothing was deleted."
_log = structlog.get_logger("portal.sync")


def empty_page(records: Sequence[AnyRecord] = (), *, finished: bool = False) -> Page:
    """A page of a comparison, which has no cursor."""
    return Page(records=records, next={}, caught_up=finished)


@dataclass(slots=True)
class Comparison:
    """The state of one comparison. `began` is the database's clock when it did; `name` is its place beside the streams."""

    attempt: Attempt
    stream: str
    name: str
    began: datetime
    tally: Tally
    named: Named = field(default_factory=Named)
    complete: bool = True
    found: dict[str, Found] = field(default_factory=lambda: {kind: Found() for kind in outcomes.KINDS})

    @classmethod
    async def begin(cls, attempt: Attempt, stream: str, name: str) -> Comparison:
        """Start one."""
        async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
            row = await scope.sql.fetchrow(
                "SELECT now() AS now, (now() AT TIME ZONE timezone)::date AS today, timezone FROM organizations"
            )
        tally = Tally(zone=ZoneInfo(row["timezone"]), today=row["today"], priced=stream in PRICED, at=row["now"])
        return cls(attempt, stream, name, row["now"], tally)

    @property
    def listed(self) -> int:
        """How many different ids the store has named so far."""
        return len(self.named)

    async def take(self, page: IdPage) -> None:
        """Compare one page of the store's list and heal what it shows."""
        self.complete = self.complete and page.complete
        self.tally.windows += [page.covers] if page.covers else []
        new = self.named.add(page.ids)
        ours = await self._ours(new)
        said = {each: page.listed.get(each) for each in new}
        wrong: dict[str, str] = {}
        for each in new:
            mine = ours.get(each)
            if mine is None or mine.deleted_at is not None:
                if mine is None or not (gone_for_both(said[each], mine) or self._just_gone(mine)):
                    wrong[each] = "missing"
            elif not agrees(said[each], mine):
                wrong[each] = "different"
        try:
            asked = await self._ask(list(wrong), page.rows)
        except NotFound as missing:
            if missing.code != "PLATFORM_NO_ROUTE":
                raise
            # Rows that can only be listed (refunds of an old shop): told, and not healed.
            asked = Asked(ours=ours)
        for each in new:
            if each in wrong:
                self._note(wrong[each], each, said[each], ours.get(each), asked)
                self.tally.count(asked.said.get(each, said[each]), asked.ours.get(each))
            elif (mine := ours[each]).deleted_at is None:  # else gone for both, or going
                self.tally.count(said[each], mine)

    async def beyond(self) -> list[str]:
        """Live rows that we held before the comparison began and that the store did not name."""
        windows = self.tally.windows
        if not self.complete and not windows:
            return []  # a platform that hides older rows lists fewer than it has
        return await unnamed(self.attempt, self.stream, self.named, self.began, None if self.complete else windows)

    async def finish(self, gone: list[str]) -> None:
        """Delete what the store does not know any more and write the outcome, in one transaction. Of an incomplete list nothing
        is deleted: what it lacks of the time it covers is only told."""
        reason = why = ""
        delete: list[str] = []
        left: list[str] = gone
        if not self.complete:
            why = _NOT_LISTED
            left = gone if len(gone) > FEW else await self._confirmed(gone)
        elif len(gone) > FEW and len(gone) > self.tally.ours:
            reason = "More than half of what is here is not in the store's list. Nothing was deleted; look at the store first."
        else:
            left = delete = await self._confirmed(gone)
        if delete:
            _log.info(
                "reconciliation_found_deleted",
                connection_id=self.attempt.connection.id,
                stream=self.stream,
                rows=len(delete),
            )

        async def also(scope: Scope) -> None:
            tally, found = deepcopy(self.tally), deepcopy(self.found)  # of this try: a deadlock runs it again
            extra = found["extra"]
            for start in range(0, len(left), _CHUNK):
                rows = await held(scope, self.attempt.connection.id, self.stream, left[start : start + _CHUNK])
                for each, mine in sorted(rows.items()):
                    extra.add(each, healed=mine.deleted_at is not None, ours=told_ours(mine), why=why)
                    if mine.deleted_at is None:
                        tally.count(None, mine, listed=False)
            if tally.windows:
                await carry(scope, self.attempt.connection.id, self.stream, found, self.named.__contains__)
            await outcomes.save(
                scope,
                self.attempt.org_id,
                self.attempt.connection.id,
                self.stream,
                run_id=self.attempt.run_id,
                tally=tally,
                found=found,
                complete=self.complete,
                reason=reason,
            )

        records = [Deleted(external_id=each, modified_at=self.began, of=self.stream) for each in delete]
        place = Place(cursor={}, phase="incremental", done=self.listed, total=self.listed)
        await self.attempt.commit(self.name, empty_page(records, finished=True), place, also=also)

    async def _confirmed(self, gone: list[str]) -> list[str]:
        """Of these, the ones the store does not give when asked by id. What it gives was only left out of its list."""
        deleted: list[str] = []
        for start in range(0, len(gone), _AT_ONCE):
            chunk = gone[start : start + _AT_ONCE]
            try:
                asked = await self._ask(chunk)
            except NotFound:  # a stream that can only be listed
                return deleted + gone[start:]
            deleted += [each for each in chunk if each not in asked.given]
            for each in asked.given & set(chunk):
                self.tally.count(asked.said.get(each), asked.ours.get(each))
        return deleted

    async def _ask(self, ids: list[str], told_of: Mapping[str, AnyRecord] | None = None) -> Asked:
        """Ask the store for these rows and write its answer; what the list told in full (`told_of`) need not be asked for."""
        asked = Asked()
        clock, stream = self.attempt.rt.clock, self.stream
        for start in range(0, len(ids), _AT_ONCE):
            chunk, at = ids[start : start + _AT_ONCE], clock()
            given = [told_of[each] for each in chunk if each in told_of] if told_of else []
            page = empty_page(given)
            if len(given) < len(chunk):
                known = {each.external_id for each in given}
                page = await self.attempt.connector.fetch(stream, [each for each in chunk if each not in known])
                page.records = [*given, *page.records]
            page.caught_up, page.next = False, {}
            place = Place(cursor={}, phase="incremental", done=self.listed)
            await self.attempt.commit(self.name, page, place, asked_at=at)
            asked.given.update(each.external_id for each in page.records)
            asked.given.update(each.external_id for each in page.rejected)
            asked.said |= as_listed(page.records, stream)
            asked.ours |= await self._ours(chunk)
            async with tenant(self.attempt.rt.database, self.attempt.org_id, read_only=True) as scope:
                asked.reasons |= await reasons(scope, self.attempt.connection.id, stream, chunk)
        return asked

    def _note(self, kind: str, each: str, said: Listed | None, was: Held | None, asked: Asked) -> None:
        """Count a difference. What was only on its way while we compared is none."""
        mine, now = asked.ours.get(each), asked.said.get(each, said)
        healed = mine is not None and mine.deleted_at is None and agrees(now, mine)
        if healed and (mine == was or self._was_moving(said, was)):
            return
        why = (
            "" if healed else asked.reasons.get(each) or ("" if each in asked.given else "The store does not give it.")
        )
        theirs = told(said) if said is not None else {}
        self.found[kind].add(each, healed=healed, ours=told_ours(was) if was else {}, theirs=theirs, why=why)

    def _was_moving(self, said: Listed | None, was: Held | None) -> bool:
        if said is None or said.modified_at is None or said.modified_at < self.began - _MOVING:
            return False
        return was is None or said.modified_at > was.modified_at

    def _just_gone(self, mine: Held) -> bool:
        return mine.deleted_at is not None and mine.deleted_at >= self.began

    async def _ours(self, ids: list[str]) -> dict[str, Held]:
        async with tenant(self.attempt.rt.database, self.attempt.org_id, read_only=True) as scope:
            return await held(scope, self.attempt.connection.id, self.stream, ids)
