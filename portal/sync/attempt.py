"""One attempt at a run: what its streams share, and how one page becomes one commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Page, Rejected
from portal.connectors.contract import Connector
from portal.foundation.bus import Event
from portal.foundation.metrics import SYNC_ROWS
from portal.foundation.runtime import Runtime
from portal.stores.connection import SYNCED, StoreConnection
from portal.sync import lease
from portal.sync.asked import Asked, OwnPlace, save_own_place
from portal.sync.checkpoint import Place, rows_of, save_place, save_progress, save_rejects
from portal.sync.progress import StreamProgress, encode
from portal.sync.run_log import RunLog
from portal.sync.runs import must_step_aside
from portal.sync.sifting import sift
from portal.sync.writing import UNWRITABLE, write
from portal.tenancy.scope import Scope, tenant


@dataclass(frozen=True, slots=True)
class _Writing:
    """One page on its way into the database."""

    stream: str
    page: Page
    place: Place
    arrived_at: datetime
    asked_at: datetime | None
    also: Callable[[Scope], Awaitable[None]] | None


@dataclass(kw_only=True, slots=True)
class Attempt:
    """The state of one attempt. `owner` is the lease's holder, new for every attempt of the run."""

    rt: Runtime
    org_id: UUID
    connection: StoreConnection
    connector: Connector
    run_id: UUID
    owner: UUID
    stop: asyncio.Event
    forced: bool  # asked for by a person: streams are read even when they are not due yet
    asked: Asked | None = None  # chosen streams, or from a day on; None: an ordinary run
    streams: dict[str, StreamProgress] = field(default_factory=dict)
    halted: bool = False  # paused, stopping or stepping aside: end after the page that was just written
    aside: bool = False  # an ordinary run waits: this one, from a day on, goes on after it
    unsaved_changes: int = 0
    last_told: float = 0.0
    log: RunLog = field(default_factory=RunLog)

    async def commit(
        self,
        stream: str,
        page: Page,
        place: Place,
        *,
        arrived_at: datetime | None = None,
        asked_at: datetime | None = None,
        also: Callable[[Scope], Awaitable[None]] | None = None,
    ) -> None:
        """Write a page: rows, cursor, rejects, progress, lease and `also` in one transaction. Raises `LeaseLost`.

        `arrived_at` is when the store's answer came (now by default); `asked_at`: the rows were asked for by their ids then
        (`ledger.write`).
        """
        rejected = list(page.rejected)
        records: Sequence[AnyRecord] = page.records
        writing = _Writing(stream, page, place, arrived_at or self.rt.clock(), asked_at, also)
        try:
            await self._write(writing, records, rejected, records)
        except UNWRITABLE:
            good, bad = await sift(records, lambda some: self._keep(some, writing))
            await self._write(writing, (), [*rejected, *bad], good)
        SYNC_ROWS.labels(self.connection.platform, stream).inc(rows_of(page))
        if self.stop.is_set():
            self.halted = True
        await self.tell()

    async def announce(self) -> None:
        """Store and tell how the run stands between two pages: before the first one, and in trouble. Raises `LeaseLost`."""
        async with tenant(self.rt.database, self.org_id) as scope:
            await save_progress(scope, self.run_id, encode(self.streams), fetched=0, changed=0, rejected=0)
        await self.tell(now=True)

    async def tell(self, *, now: bool = False) -> None:
        """A progress event for open pages, at most one per second unless `now`."""
        moment = time.monotonic()
        if now or moment - self.last_told >= 1.0:
            self.last_told = moment
            payload = {"connection_id": self.connection.id}
            await self.rt.bus.publish(Event(org_id=self.org_id, kind="progress", version=0, payload=payload))

    async def _write(
        self,
        writing: _Writing,
        records: Sequence[AnyRecord],
        rejected: Sequence[Rejected],
        mapped: Sequence[AnyRecord],
    ) -> None:
        """Write `records`; `mapped` are all that could be stored, whether now or before."""
        changed_before, page = self.unsaved_changes, writing.page

        async def within(scope: Scope) -> None:
            await self._hold(scope)
            await self._save_place(scope, writing)
            await save_rejects(scope, self.org_id, self.connection.id, rejected, mapped)
            await save_progress(
                scope,
                self.run_id,
                encode(self.streams),
                fetched=rows_of(page),
                changed=changed_before,
                rejected=len(rejected),
            )
            if writing.also is not None:
                await writing.also(scope)

        written = await write(
            self.rt,
            self.org_id,
            self.connection.id,
            records,
            within=within,
            arrived_at=writing.arrived_at,
            asked_at=writing.asked_at,
            work=f"run:{self.run_id}",
        )
        self.unsaved_changes += sum(written.changed.values()) - changed_before

    async def _save_place(self, scope: Scope, writing: _Writing) -> None:
        place, finished = writing.place, writing.page.caught_up
        if self.asked is None or not self.asked.own(writing.stream):
            await save_place(scope, self.org_id, self.connection.id, writing.stream, place, caught_up=finished)
            return
        mine = OwnPlace(cursor=place.cursor, done=place.done, total=place.total, finished=finished)
        await save_own_place(scope, self.run_id, writing.stream, mine)
        if await must_step_aside(scope, self.connection.id, self.run_id):
            self.aside = self.halted = True

    async def _hold(self, scope: Scope) -> None:
        if await lease.renew(scope, self.connection.id, self.owner) not in SYNCED:
            self.halted = True

    async def _keep(self, records: Sequence[AnyRecord], writing: _Writing) -> None:
        """Write these rows alone: the place they lead to is saved with the last of the page."""
        written = await write(
            self.rt,
            self.org_id,
            self.connection.id,
            records,
            within=self._hold,
            arrived_at=writing.arrived_at,
            asked_at=writing.asked_at,
            work=f"run:{self.run_id}",
        )
        self.unsaved_changes += sum(written.changed.values())
