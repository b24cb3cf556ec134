"""What a platform connector is. One folder per platform declares a `Manifest` and implements `Connector`.

A connector does I/O in `client.py`, maps payloads to `commerce.records` in `mapping.py` (pure), and knows nothing of the
database: cursors are opaque JSON that the sync engine stores beside the rows they cover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from portal.commerce.records import AnyRecord
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget

FieldType = Literal["text", "url", "secret", "select", "checkbox", "number", "textarea"]
Cursor = dict[str, Any]
Credentials = Mapping[str, str]
"""All fields of the form by name, as text (checkbox: "true"/"false"). Secrets included, in clear, in memory only."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the credentials form. The page, the JSON route and validation are all generated from it."""

    name: str
    label: str
    type: FieldType = "text"
    required: bool = True
    secret: bool = False
    help: str = ""
    placeholder: str = ""
    default: str = ""
    options: tuple[str, ...] = ()
    advanced: bool = False  # shown folded under "Advanced"
    names_store: bool = False  # another value is another store: everything is read anew (so is every field of type url)
    max_length: int = 2048


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A permission at the platform and what the portal needs it for. Not required: its absence is a finding, not a failure."""

    name: str
    label: str
    needed_for: str
    required: bool = True
    # What a key with this permission could do beyond what the portal needs. Flagged on the health page when it is granted.
    excess: str = ""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The ceiling the portal keeps to, shared by all processes: requests per second and burst."""

    per_second: float
    burst: int
    text: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of records. Streams are synced in the order of the manifest."""

    name: str
    label: str
    cursor: Literal["modified", "id", "full"]
    page_size: int = 100
    look_back: timedelta = timedelta(seconds=1)
    from_day: bool = False  # it can be read again from a day on: `Connector.since` gives the cursor for it
    every: timedelta | None = None  # at most this often, for streams without a cursor


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the portal shows and needs to know about a platform, as data."""

    platform: str  # the value of `platform_type`
    label: str
    summary: str
    fields: tuple[Field, ...]
    permissions: tuple[Permission, ...]
    streams: tuple[Stream, ...]
    rate_limit: RateLimit
    data_types: tuple[str, ...]
    docs_url: str  # a page of the portal's own help, e.g. "/docs/connectors/woocommerce"
    place: int = 100  # in forms and lists: smaller first, equal ones by label; the first is preselected
    setup_steps: tuple[str, ...] = ()
    webhook_topics: tuple[str, ...] = ()
    max_timeout: float = 30.0
    polled: bool = (
        True  # False: its rows come by hand; never scheduled, no credentials, not among the platforms of a form
    )
    # The credential that signs the platform's deliveries, where the platform and not the portal chooses the secret.
    webhook_secret_field: str = ""
    # When the platform gives a webhook up, as the end of "It switches a webhook off …".
    webhooks_end: str = "after repeated failures"

    # What the installation gives a connection that brings none of its own: field name -> name of the setting.
    installation: Mapping[str, str] = {}

    @property
    def address_fields(self) -> tuple[str, ...]:
        """The fields that say which store it is."""
        return tuple(field.name for field in self.fields if field.type == "url" or field.names_store)


class PermissionResult(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    granted: bool | None  # None: could not be determined
    needed_for: str
    detail: str = ""


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of itself. None: it did not say."""

    name: str | None = None
    currency: str | None = None
    timezone: str | None = None


class ConnectionTest(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a connection test: s1's `POST /api/superadmin/test-api-connection` body."""

    success: bool
    status: str  # "success", "warning" or an error word such as "auth_failed", "not_found", "unreachable"
    response_time: int  # milliseconds of the first answered request
    permissions: tuple[PermissionResult, ...] = ()
    sample: dict[str, int | None] = {}  # orders, products, customers: how many the store has; None unknown
    store: StoreFacts = StoreFacts()
    advice: tuple[str, ...] = ()
    expires_at: datetime | None = None  # when the credentials end by themselves; None: they do not, or nobody says
    clock_skew_s: int | None = None  # the store's clock minus ours, in seconds; None: it did not tell


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One stream's part of an estimate. `seconds` is the least that the platform's limits allow, None when nobody can tell;
    `slow` what it takes where the store itself is slow, None when that is not known to differ. `why` is the reckoning, in words.
    """

    stream: str
    seconds: float | None
    why: str
    slow: float | None = None


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


class WebhookThere(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of ours as the store lists it.

    `status`: active, paused (a person did that), disabled (the platform gave it up), refused (the key may not have it).
    """

    topic: str
    status: str = "active"
    delivery_url: str = ""


class Connector(Protocol):
    """A connection to one store with one set of credentials. Raises only `ConnectorError`s (each with advice)."""

    manifest: ClassVar[Manifest]

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None: ...

    async def test(self) -> ConnectionTest:
        """Try the credentials, each permission and sample data. Never raises for a failing store: findings are in the result."""
        ...

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """The next page of `stream`. `cursor` None starts the first backfill; otherwise a previous page's `next`."""
        ...

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        """A cursor from which `page` gives everything created or changed at `moment` (aware UTC) or later, up to now.

        None where the platform tells no changes of this stream: it is then read whole. No I/O. A stream that gives one
        declares `from_day`.
        """
        ...

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        """The next page of ids for reconciliation: every id the platform still has, trashed rows included.

        Begin with None and go on with `next` until `finished`. Rows created after the start may or may not be among them.
        """
        ...

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        """The named rows of `stream` (at most 100), for ids that reconciliation finds missing in the ledger.

        Ids the platform does not have are left out; `next` is empty and `caught_up` true.
        """
        ...

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        """Create and repair the webhooks of `topics` (None: of every one of the manifest), waking what was disabled; returns
        those now active. What a person paused stays paused unless it is named. `Forbidden` with a read-only key."""
        ...

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        """Our webhooks as the store lists them now: those with the path of `delivery_url`, whatever their host. Changes nothing."""
        ...

    async def remove_webhooks(self, delivery_url: str) -> int:
        """Take our webhooks (as `webhooks_there`) away at the store; how many there were. `Forbidden` with a read-only key."""
        ...


class Webhooks(Protocol):
    """`webhooks.py` of a platform that pushes: verification and understanding of deliveries, pure.

    `KEPT_HEADERS` are the headers stored with a delivery, in lower case: what says something of it, never a signature, a
    cookie or an authorization.
    """

    KEPT_HEADERS: frozenset[str]

    def topic(self, headers: Mapping[str, str]) -> str:
        """What it is about, in the words of `Manifest.webhook_topics`; empty when it does not say."""
        ...

    def meant_for(self, headers: Mapping[str, str], settings: Mapping[str, str]) -> bool:
        """Whether it comes from the store of these settings, where the platform names the store and shops share a secret."""
        ...

    def trial(self, topic: str, body: bytes, secret: str, settings: Mapping[str, str]) -> dict[str, str]:
        """The headers that the platform would send with this body: the portal's own test of its address uses them."""
        ...

    def is_ping(self, headers: Mapping[str, str], body: bytes) -> bool: ...

    def verify(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool: ...

    def dedupe_key(self, headers: Mapping[str, str], body: bytes) -> str: ...

    def parse(self, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Delivery: ...


class Estimates(Protocol):
    """`estimate.py` of a platform: how long its own limits make the first sync take. Pure."""

    def first_sync(self, sample: Mapping[str, int | None], per_second: float, burst: int) -> Sequence[Step]:
        """`sample` is the connection test's; the rate is the one in force (the agency's, where it set one)."""
        ...
