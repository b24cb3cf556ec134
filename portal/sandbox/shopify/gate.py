"""Who is asking: the app's permanent token, or one of 24 hours got by client id and secret; and how many points are left."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from hashlib import sha1
from secrets import token_hex

from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store

Json = dict[str, object]


def _derived(spec: SandboxStoreSpec, what: str, length: int) -> str:
    return sha1(f"{what}:{spec.name}:{spec.seed}".encode(), usedforsecurity=False).hexdigest()[:length]


def access_token(spec: SandboxStoreSpec) -> str:
    """The permanent token."""
    return spec.shopify.access_token or f"shpat_{_derived(spec, 'token', 32)}"


def client_id(spec: SandboxStoreSpec) -> str:
    return spec.shopify.client_id or _derived(spec, "client", 32)


def client_secret(spec: SandboxStoreSpec) -> str:
    """What tokens are got and webhooks are signed with."""
    return spec.shopify.client_secret or f"shpss_{_derived(spec, 'secret', 32)}"


class Gate:
    """Tokens, scopes and the bucket of points of one store. `clock` gives monotonic seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self.scopes = frozenset(store.spec.shopify.scopes)
        self.token_seconds = store.spec.shopify.token_seconds
        self.granted = 0
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._points, self._at = store.spec.shopify.points, clock()

    def knows(self, token: str) -> bool:
        """Whether a token may be used now."""
        if self.store.keys_revoked:
            return False
        if hmac.compare_digest(token.encode(), access_token(self.store.spec).encode()):
            return True
        return self._tokens.get(token, 0.0) > self._clock()

    def grant(self, form: dict[str, str]) -> tuple[int, Json]:
        """The answer of the token endpoint to a form."""
        spec = self.store.spec
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "grant_type is not supported"}
        known = hmac.compare_digest(form.get("client_id", "").encode(), client_id(spec).encode())
        right = hmac.compare_digest(form.get("client_secret", "").encode(), client_secret(spec).encode())
        if not known or not right or self.store.keys_revoked:
            return 400, {"error": "invalid_client", "error_description": "Client authentication failed"}
        token = f"shpat_{token_hex(16)}"
        self._tokens[token] = self._clock() + self.token_seconds
        self.granted += 1
        return 200, {
            "access_token": token,
            "scope": ",".join(sorted(self.scopes)),
            "expires_in": int(self.token_seconds),
        }

    def expire(self) -> int:
        """End all tokens of the 24-hour kind; says how many."""
        count = len(self._tokens)
        self._tokens.clear()
        return count

    @property
    def available(self) -> float:
        """Points in the bucket now."""
        options = self.store.spec.shopify
        return min(options.points, self._points + (self._clock() - self._at) * options.restore_rate)

    def take(self, points: float) -> None:
        """Take points out; the bucket never goes below zero."""
        self._points, self._at = max(0.0, self.available - points), self._clock()

    def cost(self, requested: int, actual: int | None) -> Json:
        """`extensions.cost` of an answer."""
        options = self.store.spec.shopify
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": options.points,
                "currentlyAvailable": int(self.available),
                "restoreRate": options.restore_rate,
            },
        }
