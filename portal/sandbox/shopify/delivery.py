"""Webhook deliveries: signed with the app's secret, at once, in the order of the changes, some of them twice.

The real platform repeats a failed delivery for four hours and then removes the subscription; here eight failures in a row
remove it and nothing is repeated, for a test has no four hours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from secrets import token_hex
from typing import Any
from uuid import uuid4

from portal.sandbox.courier import QueuedCourier, signature
from portal.sandbox.rows import Customer, Order, Product, Webhook
from portal.sandbox.shopify.api import VERSION
from portal.sandbox.shopify.gate import client_secret
from portal.sandbox.shopify.payloads import (
    customer_body,
    fulfillment_body,
    level_body,
    order_body,
    product_body,
    refund_body,
    return_body,
)
from portal.sandbox.store import Store

FAILURES_ALLOWED = 8
_ORDER = {
    "order.created": "orders/create",
    "order.updated": "orders/updated",
    "order.cancelled": "orders/cancelled",
    "order.deleted": "orders/delete",
    "order.refunded": "refunds/create",
    "order.fulfilled": "fulfillments/create",
    "return.requested": "returns/request",
    "return.open": "returns/approve",
    "return.closed": "returns/close",
    "return.declined": "returns/decline",
    "return.canceled": "returns/cancel",
}
_BODY: dict[str, Callable[[Store, Order], dict[str, Any]]] = {
    "refunds/": refund_body,
    "fulfillments/": fulfillment_body,
    "returns/": return_body,
}
_PRODUCT = {
    "product.created": "products/create",
    "product.updated": "products/update",
    "product.deleted": "products/delete",
}
_CUSTOMER = {"customer.created": "customers/create", "customer.updated": "customers/update"}


class Courier(QueuedCourier):
    """Tells everyone who subscribed to it of a change. `twice` is how many of the next deliveries arrive doubled at once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.twice = 0
        store.listeners.append(self._heard)

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
        body = next((_BODY[each] for each in _BODY if about.startswith(each)), order_body)
        return body(self.store, row)

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
        fate, late = self.fate()
        if fate != "dropped":
            self.plan(hook, partial(self._deliver, hook, topic, raw, headers, copies + (fate == "doubled")), late)

    async def _deliver(self, hook: Webhook, topic: str, raw: bytes, headers: dict[str, str], copies: int) -> None:
        if hook.id not in self.store.webhooks:
            return
        for status in await asyncio.gather(*(self.post(hook, raw, headers) for _ in range(copies))):
            self.log(hook, topic, status, headers["X-Shopify-Webhook-Id"])
            hook.failures = 0 if 200 <= status < 300 else hook.failures + 1
        if hook.failures >= FAILURES_ALLOWED:
            self.store.webhooks.pop(hook.id, None)
