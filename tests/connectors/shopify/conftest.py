"""A Shopify store of the sandbox over real HTTP, and connectors to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from portal.connectors.shopify.connector import ShopifyConnector
from portal.foundation.outbound import OutboundClient
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.shopify.gate import access_token, client_id, client_secret
from portal.sandbox.shopify.options import ShopifyOptions
from portal.sandbox.store import Store

Connect = Callable[..., ShopifyConnector]
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
