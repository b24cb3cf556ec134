"""The Amazon connector: the manifest's promises, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from portal.connectors.amazon import probe, proven, streams
from portal.connectors.amazon.account import account
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.manifest import MANIFEST
from portal.connectors.answers import Cursor, IdPage, Page
from portal.connectors.contract import Credentials
from portal.connectors.findings import ConnectionTest, WebhookThere
from portal.connectors.glance import Glance
from portal.connectors.manifest import Manifest
from portal.foundation.errors import Permanent
from portal.foundation.outbound import Budget, OutboundClient


class AmazonConnector:
    """One seller account in the marketplaces of one region. Raises `ConnectorError`s only, each with advice."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        self._credentials = credentials
        self._outbound = outbound
        self._budget = budget

    @cached_property
    def client(self) -> Client:
        """Requests to this account. Raises `Permanent` with advice when a field of the form cannot work."""
        return Client(account(self._credentials, self._outbound.base_urls), self._outbound, self._budget)

    async def test(self) -> ConnectionTest:
        """Try the token, each role and the marketplaces. Never raises for a failing account."""
        return await probe.test(lambda: self.client)

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """The next page of `stream`; a cursor that cannot be read starts the stream over."""
        return await streams.STREAMS[_known(stream)](self.client, cursor)

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        """Orders and transactions from a moment on, two years back at most; the stock has no history."""
        return streams.since(self.client, _known(stream), moment)

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        """The next page of ids: the stock whole; orders and transactions of the days that are compared this night."""
        return await streams.ids(self.client, _known(stream), cursor)

    async def glance(self, stream: str, since: datetime | None) -> Glance | None:
        """The orders that changed after `since`; of the other streams Amazon says nothing in one request."""
        return await proven.glance(self.client, _known(stream), since)

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        """The rows of `stream` with these ids (at most 100 are read)."""
        return await streams.named(self.client, stream if stream == "fees" else _known(stream), list(ids)[:100])

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        """Amazon does not push to web addresses: everything comes by polling."""
        return ()

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        """Amazon does not push."""
        return ()

    async def remove_webhooks(self, delivery_url: str) -> int:
        """Amazon does not push."""
        return 0


def _known(stream: str) -> str:
    if stream not in streams.STREAMS:
        raise Permanent(f"Amazon has no stream {stream[:40]!r}.", f"Choose one of {', '.join(streams.STREAMS)}.")
    return stream
