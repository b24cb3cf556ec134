"""A sandbox account and a client that signs in with its tokens."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.amazon.site import AmazonSite
from portal.sandbox.store import Store

NOW = datetime(2026, 6, 17, 13, 30, tzinfo=UTC)
ORDERS = "/orders/2026-01-01/orders"
REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"
TRANSACTIONS = "/finances/2024-06-19/transactions"
SUMMARIES = "/fba/inventory/v1/summaries"
PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"
EVERYTHING = "PROCEEDS,FULFILLMENT,PACKAGES"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> dict[str, str]:
        [found] = self.body["errors"]
        return dict(found)


@dataclass
class Account:
    sandbox: Sandbox
    session: aiohttp.ClientSession
    access_token: str = ""

    @property
    def site(self) -> AmazonSite:
        site = self.sandbox.sites[0]
        assert isinstance(site, AmazonSite)
        return site

    @property
    def store(self) -> Store:
        return self.site.store

    def control(self, action: str, **given: object) -> dict[str, Any]:
        return self.sandbox.control(self.store.spec.name, action, **given)

    async def sign_in(self, **changes: str) -> Answer:
        options = self.site.options
        form = {
            "grant_type": "refresh_token",
            "refresh_token": options.refresh_token,
            "client_id": options.client_id,
            "client_secret": self.site.grants.client_secret,
        } | changes
        async with self.session.post(f"{self.store.site_url}/auth/o2/token", data=form) as answer:
            found = Answer(answer.status, dict(answer.headers), await answer.json())
        self.access_token = found.body.get("access_token", "")
        return found

    async def ask(self, path: str, *, method: str = "GET", json: Any = None, token: str = "", **query: str) -> Answer:
        if not self.access_token:
            await self.sign_in()
        headers = {"x-amz-access-token": token or self.access_token}
        url = f"{self.store.site_url}{path}"
        async with self.session.request(method, url, params=query, headers=headers, json=json) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.ask(path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    async def report(self, start: datetime, end: datetime, kind: str = "ORDER_DATE") -> list[dict[str, str]]:
        """Ask for an order report and read it."""
        wanted = {
            "reportType": f"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_{kind}_GENERAL",
            "marketplaceIds": list(self.site.options.marketplaces),
            "dataStartTime": iso(start),
            "dataEndTime": iso(end),
        }
        asked = await self.ask(REPORTS, method="POST", json=wanted)
        assert asked.status == 202, asked.body
        while (found := await self.get(f"{REPORTS}/{asked.body['reportId']}"))["processingStatus"] not in (
            "DONE",
            "FATAL",
        ):
            assert found["processingStatus"] != "CANCELLED"
        document = await self.get(f"{DOCUMENTS}/{found['reportDocumentId']}")
        async with self.session.get(document["url"]) as answer:
            head, *rows = gzip.decompress(await answer.read()).decode().rstrip("\n").split("\n")
        columns = head.split("\t")
        return [dict(zip(columns, row.split("\t"), strict=True)) for row in rows]


Open = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """`await opened(orders=…, pace=…)`: an account of its own, at a fixed moment."""
    running: list[Account] = []

    async def make(orders: int = 60, **options: Any) -> Account:
        chosen = AmazonOptions(**({"pace": 10_000.0} | options))
        spec = SandboxStoreSpec(name="amazon", platform="amazon", orders=orders, seed=7, now=NOW, amazon=chosen)
        running.append(Account(await Sandbox([spec]).start(), aiohttp.ClientSession()))
        running[-1].control("set_now", now=(NOW + timedelta(minutes=10)).isoformat())
        return running[-1]

    yield make
    for each in running:
        await each.session.close()
        await each.sandbox.stop()


@pytest.fixture
async def account(opened: Open) -> Account:
    found: Account = await opened()
    return found
