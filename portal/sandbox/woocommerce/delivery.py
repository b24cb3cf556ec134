"""Webhook deliveries: signed, at once, never repeated; five failures in a row disable the webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from secrets import token_hex
from urllib.parse import urlencode

import aiohttp

from portal.sandbox.rows import Customer, Order, Product, Webhook
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.customers import customer_json
from portal.sandbox.woocommerce.errors import Json
from portal.sandbox.woocommerce.order_json import VERSION, order_json
from portal.sandbox.woocommerce.product_json import product_json

FAILURES_ALLOWED = 5
TIMEOUT_SECONDS = 5.0
LOG_LENGTH = 500
_AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/7.0.4)"


def signature(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(raw body, secret)), the value of `X-WC-Webhook-Signature`."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def raw(payload: Json) -> bytes:
    r"""JSON the way PHP writes it: ASCII with \u escapes and escaped slashes. Whoever checks a signature over
    re-encoded JSON instead of the raw body fails here as with a real store."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


class Courier:
    """Delivers one store's webhooks in background tasks; a change never waits for its receivers.

    Deliveries of one webhook arrive in the order of the changes. Certificates of receivers are not checked.
    `store.deliveries` keeps the last 500 attempts, for the control page and for tests.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._session: aiohttp.ClientSession | None = None
        self._last: dict[int, asyncio.Task[None]] = {}
        self._late: set[asyncio.Task[None]] = set()
        store.listeners.append(self._heard)

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

    def ping(self, hook: Webhook) -> None:
        """The unsigned form-encoded `webhook_id=N` that is sent when a webhook is saved."""
        body = urlencode({"webhook_id": hook.id}).encode()
        self._enqueue(hook, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def _payload(self, topic: str, row: Product | Order | Customer) -> Json:
        if topic.endswith(".deleted"):
            return {"id": row.id}
        if isinstance(row, Order):
            return order_json(self.store, row)
        if isinstance(row, Product):
            return product_json(self.store, row)
        return customer_json(self.store, row)

    def _heard(self, topic: str, row: Product | Order | Customer) -> None:
        hooks = [hook for hook in self.store.webhooks.values() if hook.topic == topic]
        if not hooks:
            return
        # Rendered now: created and updated of one order carry the same bytes.
        body = raw(self._payload(topic, row))
        resource, _, event = topic.partition(".")
        for hook in hooks:
            headers = {
                "Content-Type": "application/json",
                "X-WC-Webhook-Source": f"{self.store.site_url}/",
                "X-WC-Webhook-Topic": topic,
                "X-WC-Webhook-Resource": resource,
                "X-WC-Webhook-Event": event,
                "X-WC-Webhook-Signature": signature(body, hook.secret),
                "X-WC-Webhook-ID": str(hook.id),
                "X-WC-Webhook-Delivery-ID": token_hex(16),
            }
            self._enqueue(hook, body, headers)

    def _enqueue(self, hook: Webhook, body: bytes, headers: dict[str, str]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a store without a server (generation, unit tests) sends nothing
        fate, seconds = self.store.fate()
        if fate == "dropped":
            return
        if seconds:  # overtaken by those behind it
            late = loop.create_task(self._send(hook, body, headers, None, seconds))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return
        for _ in range(2 if fate == "doubled" else 1):
            before = self._last.get(hook.id)
            self._last[hook.id] = loop.create_task(self._send(hook, body, headers, before))

    async def _send(
        self,
        hook: Webhook,
        body: bytes,
        headers: dict[str, str],
        before: asyncio.Task[None] | None,
        seconds: float = 0.0,
    ) -> None:
        await asyncio.sleep(seconds)
        if before is not None:
            await asyncio.wait([before])
        if hook.status != "active" or hook.id not in self.store.webhooks:
            return
        status = await self._post(hook, body, headers)
        ping = "X-WC-Webhook-ID" not in headers
        self.store.deliveries.append(
            {
                "webhook_id": hook.id, "topic": "ping" if ping else hook.topic, "url": hook.delivery_url,
                "status": status, "delivery_id": headers.get("X-WC-Webhook-Delivery-ID", ""),
            }
        )  # fmt: skip
        del self.store.deliveries[:-LOG_LENGTH]
        if ping:
            return
        hook.modified = self.store.clock.now()
        hook.failures = 0 if 200 <= status < 303 else hook.failures + 1
        if hook.failures >= FAILURES_ALLOWED:
            hook.status = "disabled"

    async def _post(self, hook: Webhook, body: bytes, headers: dict[str, str]) -> int:
        """The receiver's status, 0 when it could not be reached."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": _AGENT})
        try:
            async with self._session.post(
                hook.delivery_url, data=body, headers=headers, ssl=False, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0
