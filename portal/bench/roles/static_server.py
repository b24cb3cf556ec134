"""Only the floor: a bare Quart app under Hypercorn as it comes, without our access log and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from portal.bench.child import Answering
from portal.bench.roles.portal_server import Floor, listening
from portal.foundation.resources import ROOT
from portal.foundation.server import listen


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: body."""
    floor = Floor()
    floor.body = setup["body"].encode()
    bound = listen("127.0.0.1", 0)
    config = Config.from_toml(ROOT / "hypercorn.toml")
    config.bind = [f"fd://{bound.fileno()}"]
    config.accesslog = config.errorlog = None
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(floor.app, config, shutdown_trigger=stop.wait))
    await listening(bound, serving)

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        return {"port": bound.getsockname()[1]}

    yield answer
    stop.set()
    await asyncio.wait_for(serving, 20)
