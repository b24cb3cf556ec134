"""`pytest tests/chaos --chaos-seeds 20` (so many seeds per platform), `--chaos-kills 20 --chaos-seed 3` (the final run)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings

Serve = Callable[[Runtime, socket.socket], Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seeds", type=int, default=1, help="seeds per platform")
    parser.addoption("--chaos-seed", type=int, default=7, help="the first seed")
    parser.addoption("--chaos-kills", type=int, default=5, help="how often the worker is killed in the final run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chaos_seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--chaos-seed", 7)
        count = metafunc.config.getoption("--chaos-seeds", 1)
        metafunc.parametrize("chaos_seed", range(first, first + count))


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    found: int = request.config.getoption("--chaos-kills", 5)
    return found


@asynccontextmanager
async def served(rt: Runtime, listening: socket.socket) -> AsyncIterator[str]:
    """The real app under a real server, for webhooks and for the dashboard."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from portal.app import create_app

    config = Config()
    config.bind = [f"fd://{os.dup(listening.fileno())}"]
    config.graceful_timeout = 0.2
    config.accesslog = config.errorlog = None
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(create_app(rt), config, shutdown_trigger=stop.wait))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        await asyncio.wait_for(serving, 15)


@asynccontextmanager
async def portal(settings: Settings, listening: socket.socket) -> AsyncIterator[Runtime]:
    """The web process' runtime with the app served."""
    from portal.compose import close_runtime, open_runtime

    runtime = await open_runtime(settings)
    try:
        async with served(runtime, listening):
            yield runtime
    finally:
        await close_runtime(runtime)


@pytest.fixture
async def fresh_database(clone: Callable[[], Awaitable[str]]) -> str:
    """A database of this test's own: nothing another test left queued is in it."""
    return await clone()
