"""Pages ahead of the ledger: fetched one after the other while earlier ones are written, within bounds.

Whatever arrives together is one commit: pages of a fast store share what a commit costs however small it is, and a page of
a slow one waits for no more than `LINGER` (docs/adr/0015-ingest.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from portal.connectors.answers import Page, Rejected
from portal.sync.checkpoint import rows_of

MOST_ROWS = 500
"""Reading pauses when this many rows wait to be written: what bounds memory, and the length of a commit. Larger commits
gain no speed."""
MOST_PAGES = 20
LINGER = 0.2
"""Seconds a page may wait for the next one. Reading goes on meanwhile, so nothing is lost by it."""
Cursor = dict[str, Any] | None


class Ahead:
    """The pages of one stream after `cursor`. Use it as a context; leaving it ends the reading and drops what waits."""

    def __init__(
        self, fetch: Callable[[Cursor], Awaitable[Page]], cursor: Cursor, clock: Callable[[], datetime]
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._waiting: list[Page] = []
        self._since: datetime | None = None
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._reading = asyncio.create_task(self._read(cursor))
        self._reading.add_done_callback(lambda _: self._news.set())

    async def __aenter__(self) -> Ahead:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._reading

    async def arrived(self) -> tuple[list[Page], datetime]:
        """The pages that wait, at least one, and when the first of them came. Raises what ended the reading once all pages
        before it were given. Not to be asked again after the page that is caught up."""
        while not self._waiting:
            if self._reading.done():
                await self._reading
            self._news.clear()
            await self._news.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not (self._full() or self._reading.done()):
                    self._news.clear()
                    await self._news.wait()
        pages, self._waiting = self._waiting, []
        since, self._since = self._since or self._clock(), None
        self._room.set()
        return pages, since

    async def _read(self, cursor: Cursor) -> None:
        while True:
            page = await self._fetch(cursor)
            self._since = self._since or self._clock()
            self._waiting.append(page)
            self._news.set()
            if page.caught_up:
                return
            cursor = page.next
            while self._full():
                self._room.clear()
                await self._room.wait()

    def _full(self) -> bool:
        return len(self._waiting) >= MOST_PAGES or sum(map(rows_of, self._waiting)) >= MOST_ROWS


def together(pages: list[Page]) -> Page:
    """Successive pages as one: the rows of all, the cursor of the last."""
    *_, last = pages
    totals = [page.total for page in pages if page.total is not None]
    return Page(
        records=[record for page in pages for record in page.records],
        rejected=_still_rejected(pages),
        next=last.next,
        caught_up=last.caught_up,
        total=totals[-1] if totals else None,
        fetched=sum(map(rows_of, pages)),
    )


def _still_rejected(pages: list[Page]) -> list[Rejected]:
    """Rows that no later page could map after all: a row may be read twice, and mended in between."""
    rejected: dict[tuple[str, str], Rejected] = {}
    for page in pages:
        if rejected:
            for record in page.records:
                rejected.pop((record.stream, record.external_id), None)
        rejected.update({(each.stream, each.external_id): each for each in page.rejected})
    return list(rejected.values())
