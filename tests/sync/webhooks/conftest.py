"""A store whose webhooks arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.sync.webhooks.registration import register_webhooks
from tests.sync.conftest import Connect, Shop


@pytest.fixture
async def shop(
    rt: Runtime, live_server: str, own_sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    """A synced store that delivers its webhooks to the live server."""
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"demo": True}))
    shop = await connect(own_sandbox)
    await shop.sync("first")
    outcome = await register_webhooks(rt, shop.org, shop.connection_id)
    assert outcome.state == "registered", outcome
    await own_sandbox.courier("shop").settled()
    yield shop
    await own_sandbox.courier("shop").settled()
