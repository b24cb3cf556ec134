"""Who is asking: Basic and query-string keys over TLS, OAuth 1.0a (one-legged, HMAC) over plain http."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from portal.sandbox.woocommerce.errors import ApiError, authentication

if TYPE_CHECKING:
    from portal.sandbox.store import Store

TIMESTAMP_WINDOW_SECONDS = 15 * 60
NONCES_KEPT = 10_000
_ALGORITHMS = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}
_OAUTH_FIELDS = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")


@dataclass(frozen=True, slots=True)
class Key:
    """An API key of the store; `permissions` is read, write or read_write."""

    consumer_key: str
    consumer_secret: str
    permissions: str


@dataclass(slots=True)
class Asked:
    """What authentication looks at: the method, the full URL without its query, its pairs, the header."""

    method: str
    url: str
    pairs: list[tuple[str, str]]
    authorization: str = ""
    secure: bool = field(init=False)

    def __post_init__(self) -> None:
        self.secure = self.url.startswith("https://")


class Gate:
    """Checks requests against a store's keys."""

    def __init__(self, store: Store) -> None:
        self.store = store
        spec = store.spec
        rows = (
            Key(spec.consumer_key, spec.consumer_secret, "read_write"),
            Key(spec.readonly_key, spec.readonly_secret, "read"),
            Key(spec.writeonly_key, spec.writeonly_secret, "write"),
        )
        self._keys = {key.consumer_key: key for key in rows}
        self._nonces: OrderedDict[tuple[str, str], None] = OrderedDict()

    def identify(self, asked: Asked) -> Key | None:
        """The key of a request, or None when it carries none that is known. Raises ApiError (401) for a known
        key with a wrong secret or signature."""
        header = "" if self.store.spec.strip_authorization else asked.authorization
        query = dict(asked.pairs)
        if asked.secure or self.store.spec.basic_over_http:
            key = self._basic(header, query)
            if key is not None:
                return key
        return self._oauth(asked, header, query)

    def allow(self, key: Key, method: str) -> None:
        """Raises ApiError (401, as the platform does) when the key may not read or write."""
        reads = method in ("GET", "HEAD")
        if reads and key.permissions == "write":
            raise authentication("The API key provided does not have read permissions.")
        if not reads and method != "OPTIONS" and key.permissions == "read":
            raise authentication("The API key provided does not have write permissions.")

    def _find(self, consumer_key: str) -> Key | None:
        return None if self.store.keys_revoked else self._keys.get(consumer_key)

    def _basic(self, header: str, query: dict[str, str]) -> Key | None:
        name, secret = query.get("consumer_key", ""), query.get("consumer_secret", "")
        if header.lower().startswith("basic "):
            try:
                name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
        key = self._find(name)
        if key is None:
            return None
        if not hmac.compare_digest(key.consumer_secret.encode(), secret.encode()):
            raise authentication("Consumer secret is invalid.")
        return key

    def _oauth(self, asked: Asked, header: str, query: dict[str, str]) -> Key | None:
        given = dict(query)
        if header.lower().startswith("oauth "):
            for part in header[6:].split(","):
                name, _, value = part.strip().partition("=")
                given[unquote(name)] = unquote(value.strip('"'))
        if not any(name in given for name in _OAUTH_FIELDS):
            return None
        missing = [name for name in _OAUTH_FIELDS if name not in given]
        if missing:
            raise ApiError(
                401,
                "woocommerce_rest_authentication_missing_parameter",
                f"Missing OAuth parameter {missing[0]}"
                if len(missing) == 1
                else f"Missing OAuth parameters {', '.join(missing)}",
            )
        key = self._find(given["oauth_consumer_key"])
        if key is None:
            raise authentication("Consumer key is invalid.")
        self._check_signature(asked, given, key)
        self._check_freshness(given, key)
        return key

    @staticmethod
    def _check_signature(asked: Asked, given: dict[str, str], key: Key) -> None:
        algorithm = _ALGORITHMS.get(given["oauth_signature_method"])
        if algorithm is None:
            raise authentication("Invalid signature - signature method is invalid.")
        signed = {name: value for name, value in given.items() if name not in ("oauth_signature", "realm")}
        pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in signed.items())
        joined = "&".join(f"{name}={value}" for name, value in pairs)
        base = "&".join((asked.method, quote(asked.url, safe="~"), quote(joined, safe="~")))
        made = hmac.new(f"{key.consumer_secret}&".encode(), base.encode(), algorithm).digest()
        # A "+" that was not encoded arrives as a space; the platform puts it back.
        sent = given["oauth_signature"].replace(" ", "+")
        if not hmac.compare_digest(base64.b64encode(made), sent.encode()):
            raise authentication("Invalid signature - provided signature does not match.")

    def _check_freshness(self, given: dict[str, str], key: Key) -> None:
        stamp = given["oauth_timestamp"]
        if not stamp.isdigit() or abs(int(stamp) - time.time()) > TIMESTAMP_WINDOW_SECONDS:
            raise authentication("Invalid timestamp.")
        used = (key.consumer_key, given["oauth_nonce"])
        if used in self._nonces:
            raise authentication("Invalid nonce - nonce has already been used.")
        self._nonces[used] = None
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)
