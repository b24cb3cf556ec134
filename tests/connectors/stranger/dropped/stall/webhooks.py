"""A stall's deliveries: verified and understood. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec
from portal.connectors.stall import mapping

from portal.connectors.answers import Delivery, Rejected

KEPT_HEADERS = frozenset({"content-type", "x-stall-topic", "x-stall-delivery"})
Headers = Mapping[str, str]


def topic(headers: Headers) -> str:
    return headers.get("x-stall-topic", "")


def meant_for(headers: Headers, settings: Mapping[str, str]) -> bool:
    return True


def trial(topic: str, body: bytes, secret: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {"x-stall-topic": topic, "x-stall-delivery": "trial", "x-stall-signature": _signed(body, secret)}


def is_ping(headers: Headers, body: bytes) -> bool:
    return body == b"ping" and "x-stall-signature" not in headers


def verify(headers: Headers, body: bytes, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(
        _signed(body, secret).encode(), headers.get("x-stall-signature", "").encode()
    )


def dedupe_key(headers: Headers, body: bytes) -> str:
    return f"{headers.get('x-stall-delivery', '')}:{hashlib.sha256(body).hexdigest()[:32]}"


def parse(headers: Headers, body: bytes, received_at: datetime) -> Delivery:
    try:
        row = mapping.order(msgspec.json.decode(body), received_at)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Delivery(topic=topic(headers))
    if isinstance(row, Rejected):
        return Delivery(topic=topic(headers), rejected=[row])
    return Delivery(topic=topic(headers), records=[row])


def _signed(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
