"""The Shopify connector: the manifest's promises, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from portal.connectors.answers import Cursor, IdPage, Page
from portal.connectors.contract import Credentials
from portal.connectors.findings import ConnectionTest, WebhookThere
from portal.connectors.glance import Glance
from portal.connectors.manifest import Manifest
from portal.connectors.shopify import identities, probe, registration
from portal.connectors.shopify.bulk import Desk
from portal.connectors.shopify.client import Client
from portal.connectors.shopify.cursors import State
from portal.connectors.shopify.manifest import MANIFEST
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.shop import shop
from portal.connectors.shopify.streams import STREAMS, named, stream_page
from portal.foundation.errors import Permanent
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget


class ShopifyConnector:
    """One Shopify shop with one app's credentials. Raises `ConnectorError`s only, each with advice."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        self._credentials = credentials
        self._outbound = outbound
        self._budget = budget
        self._desk = Desk()

    @cached_property
    def client(self) -> Client:
        """Queries to this shop. Raises `Permanent` with advice when a field of the form cannot work."""
        base_url = self._outbound.base_urls.get("shopify", "")
        return Client(shop(self._credentials, base_url), self._outbound, self._budget)

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.client)

    async def test(self) -> ConnectionTest:
        """Try the token, each scope and sample data. Never raises for a failing shop."""
        return await probe.test(lambda: self.client)

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """The next page of `stream`; a cursor that cannot be read, or of another shop, starts the stream over."""
        return await stream_page(self.reader, self._desk, _known(stream), cursor)

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        """Every stream by its changes: exported by Shopify as the history is, and paged on from there."""
        _known(stream)
        return State.from_moment(moment, self.client.shop.domain).cursor()

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        """The next page of the ids the shop has in `stream`, variants included."""
        return await identities.ids(self.reader, _known(stream), cursor)

    async def glance(self, stream: str, since: datetime | None) -> Glance:
        """The shop's own count of `stream`, and the orders that changed after `since`."""
        return await identities.glance(self.reader, _known(stream), since)

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        """The rows of `stream` with these ids (at most 100 are read). A variant brings its whole product."""
        return await named(self.reader, _known(stream), list(ids)[:100])

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        """Create and repair the subscriptions of `topics`, None of all; returns those that are active.

        Shopify signs with the app's own secret, so `secret` is not told to it.
        """
        return await registration.register(self.reader, delivery_url, topics)

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        """Our subscriptions as the shop lists them."""
        return await registration.there(self.reader, delivery_url)

    async def remove_webhooks(self, delivery_url: str) -> int:
        """Delete our subscriptions at the shop; how many there were."""
        return await registration.remove(self.reader, delivery_url)


def _known(stream: str) -> str:
    if stream not in STREAMS:
        raise Permanent(f"Shopify has no stream {stream[:40]!r}.", f"Choose one of {', '.join(STREAMS)}.")
    return stream
