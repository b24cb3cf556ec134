"""A store that is only read, shared by all tests here, and small fresh ones for tests that change things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.store import Store

NOW = datetime(2026, 6, 17, 13, 30, tzinfo=UTC)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Shop:
    """A running store and a client that signs in with Basic keys."""

    sandbox: Sandbox
    store: Store
    session: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, *, key: str = "consumer", json: Any = None, data: Any = None, **query: Any
    ) -> Answer:
        headers = {}
        spec = self.store.spec
        if key:
            pair = getattr(spec, f"{key}_key"), getattr(spec, f"{key}_secret")
            headers["Authorization"] = aiohttp.encode_basic_auth(*pair)
        url = f"{self.store.site_url}/wp-json/wc/v3/{path}"
        params = {name: str(value) for name, value in query.items()}
        async with self.session.request(method, url, params=params, headers=headers, json=json, data=data) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json" and raw
            return Answer(answer.status, dict(answer.headers), await answer.json() if is_json else raw)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.ask("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    async def all(self, path: str, **query: Any) -> list[Any]:
        rows: list[Any] = []
        for page in range(1, 1_000):
            part = await self.get(path, per_page=100, page=page, **query)
            rows += part
            if len(part) < 100:
                break
        return rows

    def control(self, action: str, **given: Any) -> dict[str, Any]:
        return self.sandbox.control(self.store.spec.name, action, **given)


@asynccontextmanager
async def open_shop(**options: Any) -> AsyncIterator[Shop]:
    chosen = {"name": "shop", "seed": 7, "orders": 60, "now": NOW, "basic_over_http": True} | options
    async with Sandbox([SandboxStoreSpec(**chosen)]) as sandbox, aiohttp.ClientSession() as session:
        yield Shop(sandbox, sandbox.store(chosen["name"]), session)


@pytest.fixture(scope="session")
async def big() -> AsyncIterator[Shop]:
    """700 orders; tests must not change it."""
    async with open_shop(orders=700) as shop:
        yield shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """60 orders, fresh."""
    async with open_shop() as opened:
        yield opened
