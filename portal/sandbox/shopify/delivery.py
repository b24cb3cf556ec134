"""Webhook deliveries: signed with the app's secret, at once, in the order of the changes, some of them twice.

The real platform repeats a failed delivery for four hours and then removes the subscription; here eight failures in a row
remove it and nothing is repeated, for a test has no four hours.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from secrets import token_hex
from typing import Any
from uuid import uuid4

import aiohttp

from portal.sandbox.rows import Customer, Order, Product, Webhook
from portal.sandbox.shopify.api import VERSION
from portal.sandbox.shopify.gate import client_secret
from portal.sandbox.shopify.payloads import customer_body, level_body, order_body, product_body, refund_body
from portal.sandbox.store import Store

FAILURES_ALLOWED = 8
TIMEOUT_SECONDS = 5.0
LOG_LENGTH = 500
_ORDER = {
    "order.created": "orders/create",
    "order.updated": "orders/updated",
    "order.cancelled": "orders/cancelled",
    "order.deleted": "orders/delete",
    "order.refunded": "refunds/create",
}
_PRODUCT = {
    "product.created": "products/create",
    "product.updated": "products/update",
    "product.deleted": "products/delete",
}
_CUSTOMER = {"customer.created": "customers/create", "customer.updated": "customers/update"}


def signature(body: bytes, secret: str) -> str:
    """base64(HMAC-SHA256(raw body, client secret)), the value of `X-Shopify-Hmac-Sha256`."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class Courier:
    """Delivers one store's webhooks in background tasks. `twice` is how many of the next ones arrive doubled at once.

    `store.deliveries` keeps the last 500 attempts, for the control page and for tests.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.twice = 0
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

    def send(self, topic: str, body: dict[str, Any]) -> None:
        """Deliver a body to everyone who subscribed to the topic."""
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        event = str(uuid4())
        for hook in list(self.store.webhooks.values()):
            if hook.topic == topic.replace("/", "_").upper():
                headers = self._headers(topic, raw, event)
                copies = 2 if self.twice > 0 else 1
                self.twice = max(0, self.twice - 1)
                self._enqueue(hook, topic, raw, headers, copies)

    def _headers(self, topic: str, raw: bytes, event: str) -> dict[str, str]:
        store = self.store
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature(raw, client_secret(store.spec)),
            "X-Shopify-Shop-Domain": f"{store.spec.name}.myshopify.com",
            "X-Shopify-API-Version": VERSION,
            "X-Shopify-Webhook-Id": token_hex(16),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": f"{store.clock.gmt(store.clock.now())}.000000000Z",
        }

    def _heard(self, topic: str, row: Product | Order | Customer) -> None:
        if isinstance(row, Order):
            about = _ORDER.get(topic)
            if about is not None:
                self.send(about, self._order(about, row))
        elif isinstance(row, Product):
            self._product(topic, row)
        elif topic in _CUSTOMER:
            self.send(_CUSTOMER[topic], customer_body(self.store, row))

    def _order(self, about: str, row: Order) -> dict[str, Any]:
        if about == "orders/delete":
            return {"id": row.id}
        return refund_body(self.store, row) if about == "refunds/create" else order_body(self.store, row)

    def _product(self, topic: str, row: Product) -> None:
        if topic == "product.deleted":
            if row.parent is None:
                self.send("products/delete", {"id": row.id})
            else:
                self.send("products/update", product_body(self.store, row.parent))
            return
        if topic == "product.updated" and row.managed and not row.variations:
            self.send("inventory_levels/update", level_body(self.store, row))
        if topic in _PRODUCT:
            self.send(_PRODUCT[topic], product_body(self.store, row.parent or row))

    def _enqueue(self, hook: Webhook, topic: str, raw: bytes, headers: dict[str, str], copies: int) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a store without a server sends nothing
        fate, seconds = self.store.fate()
        if fate == "dropped":
            return
        copies += fate == "doubled"
        if seconds:  # overtaken by those behind it
            late = loop.create_task(self._deliver(hook, topic, raw, headers, copies, None, seconds))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return
        before = self._last.get(hook.id)
        self._last[hook.id] = loop.create_task(self._deliver(hook, topic, raw, headers, copies, before))

    async def _deliver(  # noqa: PLR0917 - a delivery's parts
        self,
        hook: Webhook,
        topic: str,
        raw: bytes,
        headers: dict[str, str],
        copies: int,
        before: asyncio.Task[None] | None,
        seconds: float = 0.0,
    ) -> None:
        await asyncio.sleep(seconds)
        if before is not None:
            await asyncio.wait([before])
        if hook.id not in self.store.webhooks:
            return
        for status in await asyncio.gather(*(self._post(hook, raw, headers) for _ in range(copies))):
            self.store.deliveries.append(
                {
                    "webhook_id": hook.id,
                    "topic": topic,
                    "url": hook.delivery_url,
                    "status": status,
                    "delivery_id": headers["X-Shopify-Webhook-Id"],
                }
            )
            hook.failures = 0 if 200 <= status < 300 else hook.failures + 1
        del self.store.deliveries[:-LOG_LENGTH]
        if hook.failures >= FAILURES_ALLOWED:
            self.store.webhooks.pop(hook.id, None)

    async def _post(self, hook: Webhook, raw: bytes, headers: dict[str, str]) -> int:
        """The receiver's status, 0 when it could not be reached."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        try:
            async with self._session.post(
                hook.delivery_url, data=raw, headers=headers, ssl=False, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0
