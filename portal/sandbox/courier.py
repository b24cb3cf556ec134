"""What the couriers of all platforms share: deliveries in background tasks, in order for each webhook, and their receivers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable

import aiohttp

from portal.sandbox.rows import Webhook
from portal.sandbox.store import Store

TIMEOUT_SECONDS = 5.0
LOG_LENGTH = 500


def signature(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(raw body, secret)): how both platforms that push sign."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class QueuedCourier:
    """Delivers one store's webhooks in background tasks; a change never waits for its receivers.

    Deliveries of one webhook arrive in the order of the changes. Certificates of receivers are not checked.
    `store.deliveries` keeps the last 500 attempts, for the control page and for tests.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._session: aiohttp.ClientSession | None = None
        self._last: dict[int, asyncio.Task[None]] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Cancels what is under way."""
        for task in (*self._last.values(), *self._late):
            task.cancel()
        await self.settled()
        if self._session is not None:
            await self._session.close()

    async def settled(self) -> None:
        """Waits until every delivery planned so far has been tried."""
        await asyncio.gather(*self._last.values(), *self._late, return_exceptions=True)

    def fate(self) -> tuple[str, float]:
        """What becomes of the next delivery, and by how many seconds it is late. A store without a server (generation, unit
        tests) sends nothing: dropped, and nothing is dealt for it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return "dropped", 0.0
        return self.store.fate()

    def plan(self, hook: Webhook, send: Callable[[], Awaitable[None]], late: float = 0.0) -> None:
        """`send` after what is planned for this webhook already; with `late` seconds, overtaken by those behind it."""
        if late:
            task = asyncio.create_task(_after(send, None, late))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            self._last[hook.id] = asyncio.create_task(_after(send, self._last.get(hook.id), 0.0))

    def log(self, hook: Webhook, topic: str, status: int, delivery_id: str) -> None:
        """Keep an attempt."""
        self.store.deliveries.append(
            {
                "webhook_id": hook.id, "topic": topic, "url": hook.delivery_url, "status": status,
                "delivery_id": delivery_id,
            }
        )  # fmt: skip
        del self.store.deliveries[:-LOG_LENGTH]

    async def post(self, hook: Webhook, body: bytes, headers: dict[str, str]) -> int:
        """The receiver's status, 0 when it could not be reached."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        try:
            async with self._session.post(
                hook.delivery_url, data=body, headers=headers, ssl=False, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0


async def _after(send: Callable[[], Awaitable[None]], before: asyncio.Task[None] | None, seconds: float) -> None:
    await asyncio.sleep(seconds)
    if before is not None:
        await asyncio.wait([before])
    await send()
