"""The WooCommerce connector: the manifest's promises, kept."""

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
from portal.connectors.woocommerce import identities, probe, registration
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.glance import glance
from portal.connectors.woocommerce.manifest import MANIFEST
from portal.connectors.woocommerce.site import site
from portal.connectors.woocommerce.streams import STREAMS, named, since
from portal.foundation.errors import Permanent
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget


class WooCommerceConnector:
    """One WooCommerce shop with one key. Raises `ConnectorError`s only, each with advice."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        self._credentials = credentials
        self._outbound = outbound
        self._budget = budget

    @cached_property
    def client(self) -> Client:
        """Requests to this shop. Raises `Permanent` with advice when a field of the form cannot work."""
        return Client(site(self._credentials), self._outbound, self._budget)

    async def test(self) -> ConnectionTest:
        """Try the key, each permission and sample data. Never raises for a failing store."""
        return await probe.test(lambda: self.client)

    async def page(self, stream: str, cursor: Cursor | None) -> Page:
        """The next page of `stream`; a cursor that cannot be read starts the stream over."""
        return await STREAMS[_known(stream)](self.client, cursor)

    def since(self, stream: str, moment: datetime) -> Cursor | None:
        """Orders by their change, refunds through the orders they moved; the other collections tell no changes."""
        return since(_known(stream), moment)

    async def ids(self, stream: str, cursor: Cursor | None) -> IdPage:
        """The next page of the ids the shop has in `stream`, trashed rows and variations included."""
        return await identities.ids(self.client, _known(stream), cursor)

    async def glance(self, stream: str, since: datetime | None) -> Glance | None:
        """The shop's own count of `stream`, and the orders that changed after `since`."""
        return await glance(self.client, _known(stream), since)

    async def fetch(self, stream: str, ids: Sequence[str]) -> Page:
        """The rows of `stream` with these ids (at most 100 are read), those in the trash too."""
        return await named(self.client, _known(stream), list(ids)[:100])

    async def register_webhooks(
        self, delivery_url: str, secret: str, topics: Sequence[str] | None = None
    ) -> Sequence[str]:
        """Create, repair and re-enable the webhooks of `topics`, None of all; returns the topics that are active."""
        return await registration.register(self.client, delivery_url, secret, topics)

    async def webhooks_there(self, delivery_url: str) -> Sequence[WebhookThere]:
        """Our webhooks as the shop lists them."""
        return await registration.there(self.client, delivery_url)

    async def remove_webhooks(self, delivery_url: str) -> int:
        """Delete our webhooks at the shop; how many there were."""
        return await registration.remove(self.client, delivery_url)


def _known(stream: str) -> str:
    if stream not in STREAMS:
        raise Permanent(f"WooCommerce has no stream {stream[:40]!r}.", f"Choose one of {', '.join(STREAMS)}.")
    return stream
