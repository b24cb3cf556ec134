"""Sandbox stores over real HTTP, and connectors to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.foundation.outbound import OutboundClient
from portal.sandbox.server import Sandbox
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store

Connect = Callable[..., WooCommerceConnector]
Reach = Callable[[str], OutboundClient]


@pytest.fixture
async def reach() -> AsyncIterator[Reach]:
    """Outbound HTTP that may reach the local server of an address."""
    clients: dict[str, OutboundClient] = {}

    def client(url: str) -> OutboundClient:
        parts = urlsplit(url)
        local = f"{parts.hostname}:{parts.port}" if parts.hostname == "127.0.0.1" and parts.port else ""
        if local not in clients:
            clients[local] = OutboundClient(allow=[local] if local else [])
        return clients[local]

    yield client
    for each in clients.values():
        await each.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A store of 230 orders over plain http, and one without orders."""
    specs = [SandboxStoreSpec(name="shop", orders=230, seed=5), SandboxStoreSpec(name="empty", orders=0)]
    async with Sandbox(specs) as running:
        yield running


@pytest.fixture
def shop(sandbox: Sandbox) -> Store:
    return sandbox.store("shop")


@pytest.fixture
def connect(reach: Reach) -> Connect:
    """A connector to a sandbox store; keywords replace fields of the form."""

    def connected(store: Store, **fields: Any) -> WooCommerceConnector:
        credentials = {
            "site_url": store.site_url,
            "consumer_key": store.spec.consumer_key,
            "consumer_secret": store.spec.consumer_secret,
            "timeout": "10",
        } | fields
        return WooCommerceConnector(credentials, reach(credentials["site_url"]), None)

    return connected
