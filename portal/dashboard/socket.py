"""One open dashboard page, and what is said to it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from prometheus_client import Counter

from portal.foundation.wire import Wire, text_frame

QUEUE = 64  # messages a socket may lag before it is closed and has to come back for a snapshot

LAGGED = Counter("portal_live_lagged_total", "Dashboard WebSockets closed because they could not keep up")


@dataclass(frozen=True, slots=True)
class Message:
    """One protocol message, encoded once: `frame` goes on a wire, `text` through ASGI where there is none."""

    frame: bytes
    payload: bytes

    @property
    def text(self) -> str:
        return self.payload.decode()


def message(**fields: Any) -> Message:
    """One protocol message."""
    payload = msgspec.json.encode(fields)
    return Message(text_frame(payload), payload)


@dataclass(eq=False, slots=True)
class Socket:
    """One open page. What its wire cannot take at once waits for the page's own task, which sends it by ASGI.

    Thousands are open and nearly all of them wait for nothing, so the queue is made when it is first needed.
    """

    org_id: UUID
    user_id: UUID | None
    session_id: UUID | None
    wire: Wire | None = None
    store: int | None = None  # the one store it looks at
    closing: tuple[int, str] | None = None
    _waiting: deque[Message] | None = None
    _sending: bool = False
    _wake: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def offer(self, said: Message) -> None:
        """Send at once or queue; a socket that cannot keep up is closed, never buffered without end."""
        if self.closing is not None:
            return
        if not (self._sending or self._waiting) and self.wire is not None and self.wire.write(said.frame):
            return  # nothing was before it
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= QUEUE:
            LAGGED.inc()
            self.end(1013, "")
            return
        self._waiting.append(said)
        self._ring()

    def end(self, code: int, reason: str) -> None:
        """Close after a last `bye` when there is a reason to tell. The first end counts."""
        if self.closing is None:
            self.closing = (code, reason)
        self._waiting = None
        self._ring()

    async def next(self) -> Message | None:
        """What waits to be sent; None when the socket is to close. Until the next call nothing overtakes it."""
        self._sending = False
        while not self._waiting and self.closing is None:
            await self._wake
            self._wake = asyncio.get_running_loop().create_future()
        if self.closing is not None or not self._waiting:
            return None
        self._sending = True
        return self._waiting.popleft()

    def _ring(self) -> None:
        if not self._wake.done():
            self._wake.set_result(None)
