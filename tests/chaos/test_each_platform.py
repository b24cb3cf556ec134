"""Each connector through a storm of every fault while its store lives on: afterwards the totals are the truth's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from portal.foundation.settings import Settings
from portal.sandbox import Sandbox
from tests.chaos.conftest import portal
from tests.chaos.merchant import merchant, reaching, spec
from tests.chaos.truths import unequal

REQUESTS = {"woocommerce": 70, "shopify": 60, "amazon": 70}
pytestmark = pytest.mark.timeout(500)


@pytest.mark.parametrize("platform", list(REQUESTS))
async def test_a_connector_comes_through_chaos_with_the_stores_own_totals(
    platform: str, chaos_seed: int, fresh_database: str, settings_for: Callable[..., Settings]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with Sandbox([spec(platform, orders=120, seed=chaos_seed)]) as sandbox:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            settings = settings_for(fresh_database, public_url=address, log_level="warning", **reaching(sandbox))
            async with portal(settings, listening) as rt, merchant(rt, settings, sandbox) as shop:
                name = f"{platform}-store"
                chaos = sandbox.chaos(name)
                sandbox.control(name, "chaos", seed=chaos_seed, intensity=0.4, changes=0.5)
                async with asyncio.timeout(180):
                    await shop.keep_asking(lambda: chaos.requests >= REQUESTS[platform] and chaos.dealt.total() >= 5)
                await shop.calm()
                await shop.compare()
                told = f"seed {chaos_seed}: {chaos.told()}"
                assert await unequal(shop) == {}, told
                assert chaos.dealt.total() >= 5, told
                assert chaos.changes.total() >= 20, told
