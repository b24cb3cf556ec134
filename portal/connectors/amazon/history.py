"""Orders through reports, thirty days at a time: two years of history, and the way back after a long absence.

Paging `searchOrders` at its documented rate would take days for what a report brings in minutes. Reports are asked for a few
windows ahead, because Amazon makes them in its own time, and read one after the other. The cursor names the reports that were
asked for, the document that is open and the line it stands at, so that a killed worker goes on with the very same document.
What changes meanwhile is read by `searchOrders` from the moment at which this began.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec

from portal.connectors.amazon import orders, reports
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.paging import made
from portal.connectors.amazon.reading import Part, Reading
from portal.connectors.answers import Cursor, Page
from portal.foundation.errors import ConnectorError, NotFound, Permanent, Temporary

BACK = timedelta(days=730)
"""How far Amazon shows orders (two years)."""
WINDOW = timedelta(days=30)
"""The longest range of one order report."""
AT_ONCE = 500
_REPORTS_AHEAD = 3
_TRIES = 3
_FORGIVEN_AFTER = timedelta(minutes=30)


class Asked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A window and the report that was asked for it; no report yet: it failed and is to be asked for again."""

    start: datetime
    end: datetime
    report: str = ""
    tries: int = 1


class Windows(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor: windows from `next` to `until` are still to be asked for, `asked` are under way, oldest first."""

    kind: str
    next: datetime
    until: datetime
    asked: list[Asked] = []
    document: str = ""
    line: int = 0


def begin(client: Client, since: datetime | None) -> Cursor:
    """All of history, or with `since` everything that changed after it."""
    until = client.latest()
    kind = reports.BY_LAST_UPDATE if since else reports.BY_ORDER_DATE
    return _cursor(Windows(kind=kind, next=since - orders.LOOK_BACK if since else until - BACK, until=until))


def of(cursor: Cursor | None) -> Windows | None:
    """The windows that a stored cursor is in the middle of; None when it is not in one (or cannot be read)."""
    try:
        return msgspec.convert(cursor["windows"], Windows) if cursor and "windows" in cursor else None
    except msgspec.ValidationError:
        return None


async def page(client: Client, windows: Windows) -> Page:
    """The next orders of the report that is being read; a page without rows while Amazon still makes it."""
    await _ask_ahead(client, windows)
    if not windows.asked:
        return made([], 0, {"since": _text(windows.until)}, False)
    if not windows.document and not await _is_ready(client, windows):
        return made([], 0, _cursor(windows), False)
    part = await _read(client, windows)
    if part is None:
        return made([], 0, _cursor(windows), False)
    return made(await orders.reported(client, part), len(part.orders), _cursor(windows), False)


async def _ask_ahead(client: Client, windows: Windows) -> None:
    for asked in windows.asked:
        if not asked.report:
            asked.report = await reports.ask(client, windows.kind, asked.start, asked.end)
    while len(windows.asked) < _REPORTS_AHEAD and windows.next < windows.until:
        end = min(windows.next + WINDOW, windows.until)
        try:
            report = await reports.ask(client, windows.kind, windows.next, end)
        except ConnectorError:
            if not windows.asked:
                raise
            return  # there is enough to do until the next attempt
        windows.asked.append(Asked(start=windows.next, end=end, report=report))
        windows.next = end


async def _is_ready(client: Client, windows: Windows) -> bool:
    """Whether the first report can be read. An empty window is left behind, a failed report is asked for again."""
    first = windows.asked[0]
    try:
        report = await reports.wait(client, first.report)
    except NotFound:  # Amazon forgets reports after ninety days
        first.report = ""
        return False
    if report.status == "DONE" and report.document:
        windows.document = report.document
        return True
    if report.status in {"CANCELLED", "DONE"}:  # cancelled by Amazon: nothing was ordered in this window
        _leave(windows)
    elif report.status == "FATAL":
        if first.tries >= _TRIES and not _is_old(client, report.created_at):
            raise Temporary(
                f"Amazon could not make the report of orders from {first.start:%Y-%m-%d} to {first.end:%Y-%m-%d}.",
                "It is asked for again later. If it persists, try the same report in Seller Central → Reports → Fulfilment.",
            )
        first.tries = 1 if first.tries >= _TRIES else first.tries + 1
        first.report = ""
    return False


def _is_old(client: Client, created_at: datetime | None) -> bool:
    return created_at is not None and client.latest() - created_at > _FORGIVEN_AFTER


async def _read(client: Client, windows: Windows) -> Part | None:
    """The next part of the open document; None when it has to be asked for again."""
    reading, client.reading = client.reading, None  # put back only unharmed: a cancelled read leaves it anywhere
    try:
        if reading is None or reading.document != windows.document or reading.line != windows.line:
            if reading is not None:
                reading.close()
            reading = await _reopened(client, windows)
        part = await asyncio.to_thread(reading.part, AT_ONCE)
    except (NotFound, Permanent) as wrong:
        if reading is not None:
            reading.close()
        first = windows.asked[0]
        if first.tries >= _TRIES or not (isinstance(wrong, NotFound) or windows.line):
            raise
        windows.document, windows.line = "", 0
        first.report, first.tries = "", first.tries + 1
        return None
    if part.finished:
        reading.close()
        _leave(windows)
    else:
        windows.line, client.reading = reading.line, reading
    return part


async def _reopened(client: Client, windows: Windows) -> Reading:
    reading = await reports.open_document(client, windows.document)
    try:
        await asyncio.to_thread(reading.skip, windows.line)
    except ConnectorError:
        reading.close()
        raise
    return reading


def _leave(windows: Windows) -> None:
    windows.asked, windows.document, windows.line = windows.asked[1:], "", 0


def _cursor(windows: Windows) -> Cursor:
    return {"windows": msgspec.to_builtins(windows)}


def _text(moment: datetime) -> str:
    return moment.isoformat()
