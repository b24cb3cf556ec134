"""Deliveries of Shopify webhooks: recognised, verified, understood. Pure; the module is a `contract.Webhooks`.

A delivery is shaped like the old REST API: an order's tells neither when it was paid nor its tax by line as GraphQL does. Mapped
from it, a row would say something else than the same row from a page, and days would move. So a delivery only names what
changed (`Delivery.stale`), and those rows are fetched and mapped as always; order of arrival then does not matter either.
What is deleted is believed as it is told.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from portal.connectors.answers import Delivery, Rejected
from portal.connectors.shopify import mapping
from portal.connectors.shopify.shop import normalised
from portal.connectors.shopify.values import ITEM, text
from portal.foundation.errors import ConnectorError

KEPT_HEADERS = frozenset(
    {
        "content-type",
        "user-agent",
        "x-shopify-topic",
        "x-shopify-shop-domain",
        "x-shopify-api-version",
        "x-shopify-webhook-id",
        "x-shopify-event-id",
        "x-shopify-triggered-at",
    }
)
_STREAM = {
    "orders": "orders", "refunds": "orders", "fulfillments": "orders", "returns": "orders", "products": "products",
    "customers": "customers",
}  # fmt: skip
_CHANGES = {
    "create", "update", "updated", "cancelled", "edited", "paid", "fulfilled", "partially_fulfilled",
    "request", "approve", "decline", "cancel", "reopen", "process", "close",
}  # fmt: skip


class _Named(msgspec.Struct):
    """What is read of a body. Ids are numbers here, not global ids."""

    id: object = None
    order_id: object = None
    order: object = None
    inventory_item_id: object = None
    order_edit: object = None


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Shopify sends no unsigned deliveries: nothing is answered without a signature."""
    return False


def topic(headers: Mapping[str, str]) -> str:
    """`X-Shopify-Topic`: `orders/updated`."""
    return text(_header(headers, "x-shopify-topic"), 64).lower()


def meant_for(headers: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    """Whether `X-Shopify-Shop-Domain` is the connection's shop: all shops with one app share its secret."""
    named = _header(headers, "x-shopify-shop-domain").strip().lower()
    try:
        return not named or named == normalised(settings.get("shop_domain", ""))
    except ConnectorError:
        return False


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether `X-Shopify-Hmac-Sha256` is base64(HMAC-SHA256(raw body, the app's client secret))."""
    given = _header(headers, "x-shopify-hmac-sha256").encode("utf-8", "replace")
    return bool(secret) and hmac.compare_digest(_signature(body, secret), given)


def trial(topic: str, body: bytes, secret: str, settings: Mapping[str, str]) -> dict[str, str]:
    """A delivery as Shopify sends it."""
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": normalised(settings.get("shop_domain", "")),
        "X-Shopify-Webhook-Id": hashlib.sha256(body).hexdigest()[:32],
        "X-Shopify-Hmac-Sha256": _signature(body, secret).decode(),
    }


def dedupe_key(headers: Mapping[str, str], body: bytes) -> str:
    """`X-Shopify-Webhook-Id`, the same in every repetition. Deliveries without one are told apart by their content."""
    known, about = text(_header(headers, "x-shopify-webhook-id"), 100), topic(headers)
    return f"{known}:{about}" if known else f"{about}:{hashlib.sha256(body).hexdigest()}"


def parse(headers: Mapping[str, str], body: bytes, received_at: datetime) -> Delivery:
    """What changed, by its ids; nothing for a topic that the portal does not know."""
    told = topic(headers)
    resource, _, event = told.partition("/")
    if told == "app/uninstalled":
        return Delivery(topic=told, ask=True)  # the token is dead: the run says so on the store's page
    try:
        named = msgspec.json.decode(body, type=_Named)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        about = _STREAM.get(resource, "products")
        return Delivery(
            topic=told, rejected=(Rejected(stream=about, external_id="", reason="the delivery is not JSON"),)
        )
    if resource == "inventory_levels":
        item = _number(named.inventory_item_id)
        return Delivery(topic=told, stale={"products": (f"{ITEM}{item}",)} if item else {})
    stream, number = _STREAM.get(resource), _subject(resource, named)
    if stream is None or number is None:
        return Delivery(topic=told)
    if event == "delete":
        return Delivery(topic=told, records=(mapping.deleted(stream, number, _moment(headers, received_at)),))
    return Delivery(topic=told, stale={stream: (number,)} if event in _CHANGES else {})


def _subject(resource: str, named: _Named) -> str | None:
    if resource in {"refunds", "fulfillments"}:
        return _number(named.order_id)
    if resource == "returns":
        return _number(named.order.get("id")) if isinstance(named.order, dict) else None
    if isinstance(named.order_edit, dict):
        return _number(named.order_edit.get("order_id"))
    return _number(named.id)


def _number(value: object) -> str | None:
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return digits if digits.isascii() and digits.isdigit() and 0 < len(digits) <= 20 else None


def _moment(headers: Mapping[str, str], received_at: datetime) -> datetime:
    """When it happened, by Shopify's clock; never later than it arrived."""
    try:
        told = datetime.fromisoformat(_header(headers, "x-shopify-triggered-at"))
        return min(received_at, told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC))
    except (ValueError, OverflowError):
        return received_at


def _signature(body: bytes, secret: str) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for known, value in headers.items() if known.lower() == name), "")
