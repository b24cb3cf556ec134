"""Login with Amazon: a refresh token is exchanged for an access token that lives an hour, by the store's clock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.spec import SandboxStoreSpec, demo_key
from portal.sandbox.store import Store


def keys(spec: SandboxStoreSpec) -> AmazonOptions:
    """The account's options with every key filled in: the same for the same name and seed."""

    def made(salt: str) -> str:
        return demo_key("", f"{spec.name}-{salt}", spec.seed)

    given = spec.amazon
    return replace(
        given,
        seller_id=given.seller_id or f"A{made('seller')[:13].upper()}",
        client_id=given.client_id or f"amzn1.application-oa2-client.{made('client')[:32]}",
        client_secret=given.client_secret or f"amzn1.oa2-cs.v1.{made('secret')}",
        refresh_token=given.refresh_token or f"Atzr|{made('refresh')}",
    )


@dataclass
class Grants:
    """The application's secret, the authorisation, and the access tokens that were given out."""

    store: Store
    options: AmazonOptions
    client_secret: str = ""
    given: int = 0  # how many access tokens were asked for
    _tokens: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client_secret = self.client_secret or self.options.client_secret

    def exchange(self, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """The answer to `POST /auth/o2/token`: status and body."""
        if form.get("grant_type") != "refresh_token":
            return 400, {"error": "unsupported_grant_type", "error_description": "The grant type is not supported."}
        known = form.get("client_id") == self.options.client_id and form.get("client_secret") == self.client_secret
        if not known:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        if form.get("refresh_token") != self.options.refresh_token or self.store.keys_revoked:
            return 400, {"error": "invalid_grant", "error_description": "The request has an invalid grant parameter"}
        token = f"Atza|{secrets.token_hex(20)}"
        self._tokens[token] = self.store.clock.now() + self.options.token_seconds
        self.given += 1
        return 200, {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.options.token_seconds),
            "refresh_token": self.options.refresh_token,
        }

    def is_good(self, token: str) -> bool:
        """Whether an access token is one of ours and still lives."""
        return self._tokens.get(token, 0.0) > self.store.clock.now() and not self.store.keys_revoked

    def expire(self) -> int:
        """Lets every access token expire; says how many there were."""
        count = len(self._tokens)
        self._tokens.clear()
        return count

    def rotate(self) -> str:
        """Gives the application another client secret; the old one is refused from now on."""
        self.client_secret = f"amzn1.oa2-cs.v1.{secrets.token_hex(20)}"
        return self.client_secret
