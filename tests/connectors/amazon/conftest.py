"""A sandbox account over real HTTP, and connectors to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.commerce.records import AnyRecord
from portal.connectors.amazon.connector import AmazonConnector
from portal.connectors.answers import Cursor, Page, Rejected
from portal.foundation.outbound import Budget, OutboundClient
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.amazon.site import AmazonSite
from portal.sandbox.store import Store

PACE = 1000.0


@dataclass
class Seller:
    """A running account, and connectors to it."""

    sandbox: Sandbox
    outbound: list[OutboundClient] = field(default_factory=list)

    @property
    def site(self) -> AmazonSite:
        site = self.sandbox.sites[0]
        assert isinstance(site, AmazonSite)
        return site

    @property
    def store(self) -> Store:
        return self.site.store

    @property
    def form(self) -> dict[str, str]:
        options = self.site.options
        return {
            "seller_id": options.seller_id,
            "marketplace_ids": ",".join(options.marketplaces),
            "refresh_token": options.refresh_token,
            "lwa_client_id": options.client_id,
            "lwa_client_secret": self.site.grants.client_secret,
        }

    def connect(self, budget: Budget | None = None, **fields: str) -> AmazonConnector:
        """A connector with the account's credentials; keywords replace fields of the form."""
        if not self.outbound:
            url = self.store.site_url
            allowed = [self.sandbox.url.removeprefix("http://")]
            self.outbound.append(OutboundClient(allow=allowed, base_urls={"amazon": url, "amazon-lwa": url}))
        return AmazonConnector(self.form | fields, self.outbound[0], budget)

    def control(self, action: str, **given: object) -> dict[str, Any]:
        return self.sandbox.control(self.store.spec.name, action, **given)


@dataclass
class Reading:
    """What some pages of a stream brought."""

    pages: list[Page] = field(default_factory=list)
    records: dict[tuple[str, str], AnyRecord] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def cursor(self) -> Cursor:
        return self.pages[-1].next

    def of(self, kind: type[AnyRecord]) -> list[Any]:
        return [each for each in self.records.values() if isinstance(each, kind)]

    def take(self, page: Page) -> None:
        self.pages.append(page)
        self.rejected += page.rejected
        for record in page.records:
            known = self.records.get((record.stream, record.external_id))
            if known is None or record.modified_at >= known.modified_at:
                self.records[record.stream, record.external_id] = record


async def read(
    connector: AmazonConnector | Callable[[], AmazonConnector],
    stream: str,
    cursor: Cursor | None = None,
    pages: int = 500,
) -> Reading:
    """Pages of a stream until it is caught up. With a factory every page is read by a new connector, as after a kill."""
    found = Reading()
    while len(found.pages) < pages:
        asked = connector if isinstance(connector, AmazonConnector) else connector()
        found.take(await asked.page(stream, cursor))
        if found.pages[-1].caught_up:
            break
        cursor = json.loads(json.dumps(found.cursor))
    return found


Open = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """`await opened(orders=…, pace=…)`: an account of its own, which shows transactions at once."""
    running: list[Seller] = []

    async def make(orders: int = 90, seed: int = 4, **options: Any) -> Seller:
        chosen = AmazonOptions(**({"pace": PACE, "hidden_hours": 0.0} | options))
        spec = SandboxStoreSpec(name="amazon", platform="amazon", orders=orders, seed=seed, amazon=chosen)
        running.append(Seller(await Sandbox([spec]).start()))
        # Amazon shows nothing of the last two minutes: let everything in the account be older than that.
        running[-1].control("set_now", now=(datetime.now(UTC) + timedelta(minutes=4)).isoformat())
        return running[-1]

    yield make
    for each in running:
        for client in each.outbound:
            await client.close()
        await each.sandbox.stop()


@pytest.fixture
async def account(opened: Open) -> Seller:
    """An account of 90 orders in the UK and Germany."""
    found: Seller = await opened()
    return found
