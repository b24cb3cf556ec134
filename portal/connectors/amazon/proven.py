"""What Amazon has, for the comparison of every night: the last days, and nine older ones, so that sixty are proven in a week.

Searches may be asked for twenty pages an hour, so only the last days are searched; older days come by an order report, which
costs three requests however many orders they had. Which older days it is follows from the date: no state is kept, and a night
that fails is made up for a week later. Transactions are listed by the day they were posted, but for the last 48 hours, which
Amazon does not show yet. Each page says which time it `covers`: rows of ours dated in it and not listed are extra.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from portal.commerce.records import AnyRecord, Fee, Order, Refund
from portal.connectors.amazon import mapping, orders, reports
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.finances import transactions
from portal.connectors.amazon.paging import Mapped
from portal.connectors.amazon.reading import Part
from portal.connectors.answers import Cursor, IdPage, Listed, Rejected
from portal.connectors.glance import Glance
from portal.connectors.values import EARLIEST
from portal.foundation.errors import NotFound, Temporary

RECENT = timedelta(days=7)
"""Compared every night."""
SLICE, SLICES = timedelta(days=9), 6
"""By how much each night goes further back than the one before, and after how many it begins anew: 7 + 6 * 9 = 61 days."""
_OVERLAP = timedelta(
    days=SLICES
)  # the nights go on while the slices go back, and no local day may be cut by two of them
_HIDDEN = timedelta(hours=48)  # how late a transaction may show up
_MOST_SEARCHES = 6  # of the twenty that may be asked for in an hour
_MOST_LISTS = 200
_AT_ONCE = 500
_PATIENCE = timedelta(minutes=15)

Window = tuple[datetime, datetime]


class _Place(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor of one comparison: windows still to do, the first one under way; `searched`: the last days are done."""

    windows: list[Window] = []
    searched: bool = False
    since: datetime | None = None
    token: str = ""
    pages: int = 0
    report: str = ""
    document: str = ""
    line: int = 0
    waits_until: datetime | None = None

    @classmethod
    def of(cls, cursor: Cursor | None) -> _Place:
        try:
            return msgspec.convert(cursor or {}, cls)
        except msgspec.ValidationError:
            return cls()

    def page(self, covers: Window | None = None, mapped: Sequence[Mapped] = (), *, whole: bool = True) -> IdPage:
        """A page of orders. `whole`: the rows are as exact as orders asked for by their id, and may be taken over."""
        found = {each.external_id: each for each in mapped if isinstance(each, Order)}
        unread = [each.external_id for each in mapped if isinstance(each, Rejected)]
        done = self.searched and not self.windows
        return IdPage(
            ids=[*found, *unread],
            listed={known: _order(each) for known, each in found.items()},
            rows=dict[str, AnyRecord](found) if whole else {},
            next={} if done else msgspec.to_builtins(self),
            finished=done,
            complete=False,
            covers=covers,
        )


def older(now: datetime) -> Window:
    """The older days of the night of `now`."""
    place = now.toordinal() % SLICES
    end = now - RECENT - SLICE * place + timedelta(days=1)
    return end - SLICE - _OVERLAP, end


async def order_ids(client: Client, cursor: Cursor | None) -> IdPage:
    """The next page of orders placed in the last days and in the older days of this night, with what Amazon says of them."""
    place = _Place.of(cursor)
    return await (_reported(client, place) if place.searched else _searched(client, place))


async def glance(client: Client, stream: str, since: datetime | None) -> Glance | None:
    """The orders changed after `since`, a page of them, in one of the twenty searches of an hour. Amazon counts nothing."""
    if stream != "orders" or since is None:
        return None
    mapped, _ = await orders.listed(client, since, by="lastUpdatedAfter")
    found = {each.external_id: _order(each) for each in mapped if isinstance(each, Order)}
    return Glance(listed=found, requests=1)


async def _searched(client: Client, place: _Place) -> IdPage:
    latest = client.latest()
    place.since = place.since or latest - RECENT
    mapped, token = await orders.listed(client, place.since, place.token)
    since, place.token, place.pages = place.since, token, place.pages + 1
    if token and place.pages < _MOST_SEARCHES:
        return place.page(mapped=mapped)
    place.searched, place.windows = True, [older(latest)]
    if token:  # more than may be searched: the report has them all
        place.token = ""
        place.windows.insert(0, (since, latest))
        return place.page(mapped=mapped)
    return place.page((since, latest - timedelta(minutes=5)), mapped)


async def _reported(client: Client, place: _Place) -> IdPage:
    """A part of the report of the first window; a page without ids while Amazon makes it."""
    window = place.windows[0]
    if not place.report:
        place.report = await reports.ask(client, reports.BY_ORDER_DATE, *window)
        place.waits_until = client.latest() + _PATIENCE
    if not place.document:
        report = await reports.wait(client, place.report)
        if report.status in {"CANCELLED", "DONE"} and not report.document:  # nothing was ordered in this window
            return _left(place).page(window)
        if report.status == "DONE":
            place.document = report.document
        elif report.status == "FATAL" or place.waits_until is None or client.latest() > place.waits_until:
            raise Temporary("Amazon did not make the report of older orders.", "It is asked for again tomorrow.")
        else:
            return place.page()
    part = await _part(client, place)
    mapped = await orders.reported(client, part)
    return _left(place).page(window, mapped, whole=False) if part.finished else place.page(None, mapped, whole=False)


async def _part(client: Client, place: _Place) -> Part:
    reading, client.reading = client.reading, None
    if reading is None or (reading.document, reading.line) != (place.document, place.line):
        if reading is not None:
            reading.close()
        try:
            reading = await reports.open_document(client, place.document)
        except NotFound:
            raise Temporary("Amazon does not give its report.", "It is asked for again tomorrow.") from None
        await asyncio.to_thread(reading.skip, place.line)
    part = await asyncio.to_thread(reading.part, _AT_ONCE)
    if part.finished:
        reading.close()
    else:
        place.line, client.reading = reading.line, reading
    return part


def _left(place: _Place) -> _Place:
    return _Place(windows=place.windows[1:], searched=True)


async def transaction_ids(client: Client, cursor: Cursor | None) -> IdPage:
    """The next page of refunds posted in the last days and in the older days of this night; beside them every fee."""
    place, latest = _Place.of(cursor), client.latest()
    if not place.searched:
        place = _Place(searched=True, windows=[(latest - RECENT - _HIDDEN, latest - _HIDDEN), older(latest)])
    window = place.windows[0]
    rows, token = await transactions(client, *window, place.token)
    seen_at = datetime.now(UTC)
    mapped = [each for row in rows for each in mapping.transaction(row, client.account, seen_at)]
    # Money that was held back is posted again when it is released, under the first one's id: that stands on its day.
    told = [each for each in mapped if not isinstance(each, Rejected) and each.modified_at != EARLIEST]
    place.token, place.pages = token, place.pages + 1
    covers = None
    if not token or place.pages >= _MOST_LISTS:
        covers = None if token else window
        place = _Place(searched=True, windows=place.windows[1:])
    following: Cursor = msgspec.to_builtins(place) if place.windows else {}
    pages = {
        kind: IdPage(
            ids=[each.external_id for each in told if each.stream == kind],
            listed={each.external_id: _money(each) for each in told if each.stream == kind},
            rows={each.external_id: each for each in told if each.stream == kind},
            next={},
            finished=not following,
            complete=False,
            covers=covers,
        )
        for kind in ("refunds", "fees")
    }
    return msgspec.structs.replace(pages["refunds"], next=following, beside={"fees": pages["fees"]})


def _order(order: Order) -> Listed:
    return Listed(
        modified_at=order.modified_at,
        status=order.source_status,
        currency=order.currency,
        total=order.total,
        business_at=order.created_at,
    )


def _money(each: Refund | Fee) -> Listed:
    at = each.refunded_at if isinstance(each, Refund) else each.charged_at
    return Listed(currency=each.currency or "", total=each.amount, business_at=at)
