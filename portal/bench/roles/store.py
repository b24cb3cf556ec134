"""A store to read from: the sandbox, in a process of its own as every store is."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from portal.bench.child import Answering
from portal.sandbox.server import Sandbox
from portal.sandbox.spec import SandboxStoreSpec


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: orders. Ready: the store's credentials and its address as host:port."""
    spec = SandboxStoreSpec(name="bench", seed=7, orders=setup["orders"], basic_over_http=True)
    async with Sandbox([spec]) as sandbox:
        gc.collect()
        gc.freeze()
        site_url = sandbox.store("bench").site_url

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            return {
                "address": sandbox.url.removeprefix("http://"),
                "credentials": {
                    "site_url": site_url,
                    "consumer_key": spec.consumer_key,
                    "consumer_secret": spec.consumer_secret,
                },
            }

        yield answer
