"""Workers say that they live: a key in Redis per worker, gone half a minute after its last beat."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from portal.foundation.settings import Settings

if TYPE_CHECKING:
    from portal.foundation.runtime import Runtime

EVERY_SECONDS = 5.0
_KEPT_SECONDS = 30.0


@asynccontextmanager
async def beating(rt: Runtime) -> AsyncIterator[None]:
    """Beat while the worker works. Redis being away only means that the doctor cannot see this worker."""
    name = rt.link.key("worker", f"{socket.gethostname()}-{os.getpid()}")

    async def beat() -> None:
        while True:
            await rt.link.try_set(name, rt.clock().isoformat(), _KEPT_SECONDS)
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await rt.link.try_delete(name)


async def workers(settings: Settings) -> list[str]:
    """The workers heard of lately (`host-pid`). Raises what the Redis client raises when it is away."""
    async with Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2) as redis:
        prefix = f"{settings.redis_prefix}:worker:"
        return sorted([key.decode().removeprefix(prefix) async for key in redis.scan_iter(match=f"{prefix}*")])
