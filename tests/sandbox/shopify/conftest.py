"""A Shopify store of the sandbox, and a client that shows its token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.shopify.gate import access_token
from portal.sandbox.shopify.options import ShopifyOptions
from portal.sandbox.store import Store

NOW = datetime(2026, 6, 17, 13, 30, tzinfo=UTC)
FAST = ShopifyOptions(points=20_000, restore_rate=20_000, bulk_seconds=0.05)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Shop:
    """A running store and a session to ask it."""

    sandbox: Sandbox
    store: Store
    session: aiohttp.ClientSession

    async def ask(self, document: str, /, *, token: str | None = None, **variables: Any) -> Answer:
        shown = access_token(self.store.spec) if token is None else token
        url = f"{self.store.site_url}/admin/api/2026-10/graphql.json"
        given = {"query": document, "variables": variables}
        async with self.session.post(url, json=given, headers={"X-Shopify-Access-Token": shown}) as answer:
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, dict(answer.headers), await answer.json() if is_json else await answer.text())

    async def data(self, document: str, /, **variables: Any) -> Any:
        answer = await self.ask(document, **variables)
        assert answer.status == 200
        assert "errors" not in answer.body, answer.body
        return answer.body["data"]

    async def errors(self, document: str, /, **variables: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ask(document, **variables)).body["errors"]
        return found

    async def token(self, **form: str) -> Answer:
        url = f"{self.store.site_url}/admin/oauth/access_token"
        async with self.session.post(url, data=form) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    def control(self, action: str, **given: Any) -> dict[str, Any]:
        return self.sandbox.control(self.store.spec.name, action, **given)


@asynccontextmanager
async def open_shop(**options: Any) -> AsyncIterator[Shop]:
    given = {"name": "berlin", "seed": 7, "orders": 80, "now": NOW, "platform": "shopify", "shopify": FAST} | options
    async with Sandbox([SandboxStoreSpec(**given)]) as sandbox, aiohttp.ClientSession() as session:
        yield Shop(sandbox, sandbox.store(given["name"]), session)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """80 orders, fresh."""
    async with open_shop() as opened:
        yield opened
