"""What a connector hands over of a store: pages of records, lists of ids, deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from portal.commerce.records import AnyRecord

Cursor = dict[str, Any]


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A payload that could not be mapped. The sync goes on; the row is listed on the store's page with its reason."""

    stream: str
    external_id: str
    reason: str


class Page(msgspec.Struct, kw_only=True):
    """One page of a stream. `next` is stored with the rows; `caught_up` ends this run of the stream."""

    records: Sequence[AnyRecord]
    next: Cursor
    caught_up: bool
    rejected: Sequence[Rejected] = ()
    total: int | None = None  # rows of the stream in this phase, when the platform says
    fetched: int = 0  # payload rows in this page, re-read ones included


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform's list says of a row besides its id. None or "": it does not say.

    `status` is the platform's own word (a record's `source_status`); `business_at` is what the row is dated by, or with
    `dated` False only near it: such a row is counted on our own day when we have it. `refunded`: what an order gave back.
    """

    modified_at: datetime | None = None
    status: str = ""
    currency: str = ""
    total: Decimal | None = None
    business_at: datetime | None = None
    trashed: bool = False
    refunded: Decimal | None = None
    dated: bool = True


class IdPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the ids a platform has in a stream: what the ledger holds beyond them was deleted there.

    `listed` is what the same answer says of some of them: rows that changed without a stamp are found by it.
    """

    ids: Sequence[str]
    next: Cursor
    finished: bool
    complete: bool = True  # False: the platform hides some rows (older ones), so what is not listed may well be there
    listed: Mapping[str, Listed] = {}
    # The rows themselves, where the list tells them in full: what differs is taken from here and not asked for by its id.
    rows: Mapping[str, AnyRecord] = {}
    # Of an incomplete list: every row dated within was named, by this page and those before it.
    covers: tuple[datetime, datetime] | None = None
    # Other streams of the same answer, compared with it.
    beside: Mapping[str, IdPage] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A verified webhook delivery, understood.

    `stale` names rows (stream -> ids) that the payload does not tell in full: they are fetched. `ask` wants a run soon.
    """

    topic: str
    records: Sequence[AnyRecord] = ()
    rejected: Sequence[Rejected] = ()
    stale: Mapping[str, Sequence[str]] = {}
    ask: bool = False
