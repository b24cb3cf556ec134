"""One listener of the bus: its own bounded queue, so that a slow one delays nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

_log = structlog.get_logger("portal.bus")
_LONGEST_QUEUE = 10_000

T = TypeVar("T")
Handler = Callable[[T], Awaitable[None]]
GapCallback = Callable[[], Awaitable[None]]


class Subscription(Generic[T]):
    """Hands items to `handler` in order, one at a time. A full queue is dropped as a whole and told as a gap."""

    def __init__(self, handler: Handler[T], on_gap: GapCallback | None) -> None:
        self._handler, self._on_gap = handler, on_gap
        self._queue: asyncio.Queue[T | None] = asyncio.Queue(_LONGEST_QUEUE)  # None is a gap
        self._task = asyncio.create_task(self._work(), name="bus-subscription")

    def put(self, item: T) -> None:
        """Queue an item for the handler."""
        if self._queue.full():
            _log.error("bus_subscriber_too_slow", dropped=self._queue.qsize())
            while not self._queue.empty():
                self._queue.get_nowait()
            self.put_gap()
        self._queue.put_nowait(item)

    def put_gap(self) -> None:
        """Queue the news that items may be missing; what is queued before is still delivered first."""
        if not self._queue.full():
            self._queue.put_nowait(None)

    def close(self) -> None:
        """End it; queued items are dropped."""
        self._task.cancel()

    async def _work(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                if item is not None:
                    await self._handler(item)
                elif self._on_gap is not None:
                    await self._on_gap()
            except Exception as error:
                _log.exception("bus_handler_failed", error=type(error).__name__)
