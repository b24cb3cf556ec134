"""The three ways a WooCommerce key is shown: Basic, query string, OAuth 1.0a (one-legged).

OAuth 1.0a after RFC 5849 section 3.4: the secret never travels, so it is what plain http gets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import quote

_HASHES = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}


def basic(key: str, secret: str) -> dict[str, str]:
    """The Authorization header."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode("ascii")}


def query(key: str, secret: str) -> dict[str, str]:
    """Query parameters, for hosts that strip the Authorization header. Over https only: they are the secret itself."""
    return {"consumer_key": key, "consumer_secret": secret}


def oauth1(
    method: str,
    url: str,
    params: Mapping[str, str],
    key: str,
    secret: str,
    *,
    algorithm: str = "HMAC-SHA256",
    timestamp: int | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    """`params` with the signed OAuth parameters added. `timestamp` (seconds) and `nonce` are given by tests only."""
    signed = {
        **params,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce or secrets.token_hex(16),
        "oauth_signature_method": algorithm,
        "oauth_timestamp": str(int(time.time()) if timestamp is None else timestamp),
        "oauth_version": "1.0",
    }
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in signed.items())
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _encoded(url), _encoded(normal)))
    made = hmac.new(f"{_encoded(secret)}&".encode(), base.encode(), _HASHES[algorithm]).digest()
    return {**signed, "oauth_signature": base64.b64encode(made).decode("ascii")}


def _encoded(value: str) -> str:
    return quote(value, safe="~")
