"""Getting the list of offers of a marketplace: asking for it, waiting for it, reading it on where another worker stopped."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from portal.connectors.amazon import reports
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.listings import Listings
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.rows import Row
from portal.foundation.errors import NotFound, Permanent, Temporary

AT_ONCE = 1000
_TRIES = 3
_WAITS = 2
OLDEST = timedelta(hours=6)
"""A reading that was left standing for longer (a store that was paused, a key that was refused) is not gone on with: what an
older list says of stock would be written as that of today. Amazon's own copies of a list are up to six hours old, too."""
UNREADABLE = "Amazon could not make the list of offers: stock that the seller ships himself is as of an earlier sync."


class Place(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor of the stock: the marketplace `at` which the reading stands, and where in it.

    First its list of offers (`report` asked for, `document` open at `line`) until it is `listed`, then Amazon's summaries
    (`token`, `restarts`). `asked`: when the list was asked for, seconds since 1970. `own`: the seller ships some offers himself.
    `partial`: a list was not to be had.
    """

    at: int = 0
    report: str = ""
    asked: int = 0
    tries: int = 1
    document: str = ""
    line: int = 0
    listed: bool = False
    own: bool = False
    partial: bool = False
    token: str = ""
    restarts: int = 0


async def step(client: Client, place: Place, marketplace: Marketplace) -> list[Row]:
    """The seller's own offers of the next part of the list; none while Amazon still makes it. Moves `place` on.

    A cancelled report has no rows (or was asked for too often), and one that fails again and again is done without: then what
    Amazon ships is read all the same.
    """
    if not place.document:
        await _seek(client, place, marketplace)
        return []
    listings = await _opened(client, place, marketplace, place.line)
    if listings is None:
        return []
    client.listings = None  # put back only unharmed: a cancelled read leaves it anywhere
    try:
        rows = await asyncio.to_thread(listings.part, AT_ONCE)
    except (Permanent, Temporary):
        listings.close()
        _ask_anew(place)
        return []
    client.listings = listings
    place.line, place.listed = listings.line, listings.finished
    place.own = place.own or bool(rows)
    return rows


async def known(client: Client, place: Place, marketplace: Marketplace) -> Listings | None:
    """The whole list that was read before Amazon's summaries, also by another worker; None when it has to be read anew."""
    if not place.document:
        return Listings("")
    return await _opened(client, place, marketplace, None)


def gave_up(place: Place) -> bool:
    """Whether the list failed so often that Amazon's stock is read without it."""
    return place.listed and place.partial and place.tries > _TRIES


async def whole(client: Client, marketplace: Marketplace) -> tuple[Listings, list[Row]]:
    """The list at once, with all of the seller's own offers. Raises `Temporary` when Amazon needs longer to make it."""
    report_id = await reports.ask_listings(client, marketplace)
    for _ in range(_WAITS):
        report = await reports.wait(client, report_id)
        if not report.pending:
            break
    else:
        raise Temporary("Amazon is still making the list of offers.", "Try again in a minute or two.")
    if not report.document:
        return Listings(""), []
    listings = await _open(client, report.document, marketplace)
    try:
        rows: list[Row] = []
        while not listings.finished:
            rows += await asyncio.to_thread(listings.part, AT_ONCE)
        return listings, rows
    finally:
        listings.close()


async def _seek(client: Client, place: Place, marketplace: Marketplace) -> None:
    if place.report and _outdated(place):
        _forget(place)
    if not place.report:
        place.report = await reports.ask_listings(client, marketplace)
        place.asked = _now()
    try:
        report = await reports.wait(client, place.report)
    except NotFound:  # Amazon has forgotten it
        place.report = ""
        return
    if report.pending:
        return
    if report.status == "FATAL":
        _ask_anew(place)
    elif report.document:
        place.document = report.document
    else:
        place.listed, place.partial = True, True


def _ask_anew(place: Place) -> None:
    """Asked for again, three times; then the summaries are read without a list."""
    _forget(place)
    place.listed = place.partial = place.tries >= _TRIES
    place.tries += 1


def _forget(place: Place) -> None:
    place.report, place.asked, place.document, place.line, place.token, place.listed = "", 0, "", 0, "", False


def _outdated(place: Place) -> bool:
    """Older than `OLDEST`, or newer by as much: a clock that was set back is no reason to trust it for ever."""
    return abs(_now() - place.asked) > OLDEST.total_seconds()


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


async def _opened(client: Client, place: Place, marketplace: Marketplace, line: int | None) -> Listings | None:
    """The open list at `line` (None: read to its end); None when it has to be asked for: forgotten by Amazon, or too old.

    One that this worker has open is read to its end, however long that takes.
    """
    listings = client.listings
    if listings is not None and listings.document == place.document and line in {None, listings.line}:
        await asyncio.to_thread(listings.skip, line)
        return listings
    _drop(client)
    if _outdated(place):
        _forget(place)
        return None
    try:
        listings = await _open(client, place.document, marketplace)
    except NotFound:
        _ask_anew(place)
        return None
    try:
        await asyncio.to_thread(listings.skip, line)
    except Permanent:  # another list than before
        listings.close()
        _ask_anew(place)
        return None
    except Temporary:
        listings.close()
        raise
    client.listings = listings
    return listings


async def _open(client: Client, document: str, marketplace: Marketplace) -> Listings:
    return Listings(document, await reports.fetch(client, document), reports.charset([marketplace]))


def _drop(client: Client) -> None:
    if client.listings is not None:
        client.listings.close()
    client.listings = None
