"""Deliveries of WooCommerce webhooks: recognised, verified, understood. Pure; the module is a `contract.Webhooks`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Delivery, Rejected
from portal.connectors.values import text
from portal.connectors.woocommerce import mapping
from portal.connectors.woocommerce.body import parse as parse_json
from portal.foundation.errors import ConnectorError

KEPT_HEADERS = frozenset(
    {
        "content-type",
        "user-agent",
        "x-wc-webhook-source",
        "x-wc-webhook-topic",
        "x-wc-webhook-resource",
        "x-wc-webhook-event",
        "x-wc-webhook-id",
        "x-wc-webhook-delivery-id",
    }
)
_PING = re.compile(rb"webhook_id=\d{1,12}")
_READ: dict[str, Callable[[object, datetime], AnyRecord | Rejected | None]] = {
    "order": mapping.order,
    "product": mapping.product,
    "customer": mapping.customer,
    "coupon": mapping.coupon,
}
_STREAM = {"order": "orders", "product": "products", "customer": "customers", "coupon": "coupons"}


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this is the unsigned form-encoded ping that WooCommerce sends when a webhook is saved: answer 200."""
    return _PING.fullmatch(body.strip()) is not None and not _header(headers, "x-wc-webhook-signature")


def topic(headers: Mapping[str, str]) -> str:
    """`X-WC-Webhook-Topic`: `order.updated`."""
    return text(_header(headers, "x-wc-webhook-topic"), 64).lower()


def meant_for(headers: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    """Always: each connection has a secret of its own, and a shop may call itself by another address than ours for it."""
    return True


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether `X-WC-Webhook-Signature` is base64(HMAC-SHA256(raw body, secret))."""
    given = _header(headers, "x-wc-webhook-signature").encode("utf-8", "replace")
    return bool(secret) and hmac.compare_digest(_signature(body, secret), given)


def trial(topic: str, body: bytes, secret: str, settings: Mapping[str, str]) -> dict[str, str]:
    """A delivery as WooCommerce sends it."""
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Delivery-ID": hashlib.sha256(body).hexdigest()[:32],
        "X-WC-Webhook-Signature": _signature(body, secret).decode(),
    }


def dedupe_key(headers: Mapping[str, str], body: bytes) -> str:
    """One key per delivery. Delivery ids alone are not unique: two orders of one request were seen sharing one."""
    delivery = text(_header(headers, "x-wc-webhook-delivery-id"), 64)
    topic = text(_header(headers, "x-wc-webhook-topic"), 64)
    return f"{delivery}:{topic}:{hashlib.sha256(body).hexdigest()[:32]}"


def parse(headers: Mapping[str, str], body: bytes, received_at: datetime) -> Delivery:
    """The records in a verified delivery; none for a topic the portal does not know.

    An order's delivery names its refunds by id only (`refund_ids`): their amounts and dates come by the refunds stream.
    A deleted order was put into the trash; a deleted customer is gone.
    """
    about = topic(headers)
    resource, _, event = about.partition(".")
    if resource not in _READ or event not in {"created", "updated", "restored", "deleted"}:
        return Delivery(topic=about)
    try:
        row = parse_json(body)
    except ConnectorError as wrong:
        return Delivery(
            topic=about, rejected=(Rejected(stream=_STREAM[resource], external_id="", reason=wrong.message),)
        )
    if event == "deleted":
        found: AnyRecord | Rejected | None = mapping.deleted(
            _STREAM[resource], row, received_at, trashed=resource != "customer"
        )
    else:
        found = _READ[resource](row, received_at)
    if isinstance(found, Rejected):
        return Delivery(topic=about, rejected=(found,))
    return Delivery(topic=about, records=() if found is None else (found,))


def _signature(body: bytes, secret: str) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for known, value in headers.items() if known.lower() == name), "")
