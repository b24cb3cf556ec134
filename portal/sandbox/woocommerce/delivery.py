"""Webhook deliveries: signed, at once, never repeated; five failures in a row disable the webhook."""

from __future__ import annotations

import json
from functools import partial
from secrets import token_hex
from urllib.parse import urlencode

from portal.sandbox.courier import QueuedCourier, signature
from portal.sandbox.rows import Customer, Order, Product, Webhook
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.customers import customer_json
from portal.sandbox.woocommerce.errors import Json
from portal.sandbox.woocommerce.order_json import VERSION, order_json
from portal.sandbox.woocommerce.product_json import product_json

FAILURES_ALLOWED = 5
_AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/7.0.4)"


def raw(payload: Json) -> bytes:
    r"""JSON the way PHP writes it: ASCII with \u escapes and escaped slashes. Whoever checks a signature over
    re-encoded JSON instead of the raw body fails here as with a real store."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


class Courier(QueuedCourier):
    """Tells everyone who subscribed to it of a change."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        store.listeners.append(self._heard)

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
        fate, late = self.fate()
        if fate == "dropped":
            return
        for _ in range(2 if fate == "doubled" else 1):
            self.plan(hook, partial(self._send, hook, body, headers), late)

    async def _send(self, hook: Webhook, body: bytes, headers: dict[str, str]) -> None:
        if hook.status != "active" or hook.id not in self.store.webhooks:
            return
        status = await self.post(hook, body, {"User-Agent": _AGENT, **headers})
        ping = "X-WC-Webhook-ID" not in headers
        self.log(hook, "ping" if ping else hook.topic, status, headers.get("X-WC-Webhook-Delivery-ID", ""))
        if ping:
            return
        hook.modified = self.store.clock.now()
        hook.failures = 0 if 200 <= status < 303 else hook.failures + 1
        if hook.failures >= FAILURES_ALLOWED:
            hook.status = "disabled"
