"""A Shopify store of the sandbox over real HTTP, and connectors to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.connectors.shopify.connector import ShopifyConnector
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.shopify.gate import access_token, client_id, client_secret
from portal.sandbox.shopify.options import ShopifyOptions
from portal.sandbox.store import Store
from portal.stores import service as stores
from portal.tenancy.scope import platform, tenant
from tests.sync.conftest import Shop

Connect = Callable[..., ShopifyConnector]
Open = Callable[..., Awaitable[Shop]]
FAST = ShopifyOptions(points=20_000, restore_rate=20_000, bulk_seconds=0.05)


def spec(name: str = "shop", **options: Any) -> SandboxStoreSpec:
    """A store whose bucket is large, so that only tests of the bucket wait for it."""
    given = {"seed": 5, "orders": 230, "platform": "shopify", "shopify": FAST} | options
    return SandboxStoreSpec(name, **given)


def credentials(store: Store, **fields: str) -> dict[str, str]:
    """What the merchant enters: the permanent token, unless `fields` say otherwise."""
    given = {
        "shop_domain": f"{store.spec.name}.myshopify.com",
        "access_token": access_token(store.spec),
        "client_id": "",
        "client_secret": client_secret(store.spec),
    }
    return given | fields


def app(store: Store) -> dict[str, str]:
    """Client id and secret instead of a token."""
    return {"access_token": "", "client_id": client_id(store.spec), "client_secret": client_secret(store.spec)}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A store of 230 orders, and one without orders."""
    async with Sandbox([spec(), spec("empty", orders=0)]) as running:
        yield running


@pytest.fixture
def shop(sandbox: Sandbox) -> Store:
    return sandbox.store("shop")


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """A connector to a sandbox store; keywords replace fields of the form."""
    clients: dict[str, OutboundClient] = {}

    def connected(store: Store, **fields: str) -> ShopifyConnector:
        base = store.site_url.rsplit("/", 1)[0]
        if base not in clients:
            clients[base] = OutboundClient(allow=[base.removeprefix("http://")], base_urls={"shopify": base})
        return ShopifyConnector(credentials(store, **fields), clients[base], None)

    yield connected
    for each in clients.values():
        await each.close()


@pytest.fixture
async def own_sandbox() -> AsyncIterator[Sandbox]:
    """A store of 120 orders that a test may change."""
    async with Sandbox([spec(orders=120, seed=8), spec("other", orders=30, seed=9)]) as running:
        yield running


@pytest.fixture
async def opened(rt: Runtime, org: UUID, own_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """`await opened()`: a connection of `org` to the store; `by_app` with client id and secret; keywords replace fields."""
    async with platform(rt.database, "test: lift the rate") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('shopify', 5000, 5000)"
            " ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 5000, burst = 5000"
        )
    outbound = OutboundClient(allow=[own_sandbox.url.removeprefix("http://")], base_urls={"shopify": own_sandbox.url})
    monkeypatch.setattr(rt, "outbound", outbound)
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"demo": True}))

    async def make(*, by_app: bool = False, **fields: str) -> Shop:
        store = own_sandbox.store("shop")
        given = credentials(store, **(app(store) if by_app else {}), **fields)
        async with tenant(rt.database, org) as scope:
            connection_id = await stores.create_connection(
                rt,
                scope,
                org_id=org,
                platform="shopify",
                name=f"Store {uuid4().hex[:6]}",
                credentials=stores.validate_credentials("shopify", given),
                frequency="hourly",
                created_by=None,
            )
            await scope.sql.execute(
                "UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour' WHERE id = $1",
                connection_id,
            )
            await scope.sql.execute("UPDATE organizations SET timezone = $2 WHERE id = $1", org, store.spec.timezone)
        return Shop(rt, own_sandbox, "shop", org, connection_id)

    yield make
    await own_sandbox.courier("shop").settled()
    await outbound.close()
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
    async with platform(rt.database, "test: lower the rate") as scope:
        await scope.sql.execute("DELETE FROM api_platform_configs WHERE platform_type = 'shopify'")
