"""What a platform connector is. One folder per platform declares a `Manifest` and implements `Connector`.

A connector does I/O in `client.py`, maps payloads to `commerce.records` in `mapping.py` (pure), and knows nothing of the
database: cursors are opaque JSON that the sync engine stores beside the rows they cover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from portal.connectors.answers import Cursor, Delivery, IdPage, Page
from portal.connectors.findings import ConnectionTest, Step, WebhookThere
from portal.connectors.manifest import Manifest
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget

Credentials = Mapping[str, str]
"""All fields of the form by name, as text (checkbox: "true"/"false"). Secrets included, in clear, in memory only."""


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
