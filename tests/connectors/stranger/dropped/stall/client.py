"""Requests to one stall: errors with advice, parsed answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from portal.connectors.contract import Credentials
from portal.foundation.errors import AuthFailed, Forbidden, Permanent, RateLimited, Temporary
from portal.foundation.outbound import Budget, OutboundClient, retry_after_seconds


class Client:
    """One stall with one token."""

    def __init__(self, credentials: Credentials, outbound: OutboundClient, budget: Budget | None) -> None:
        self._base, self._token = credentials["site_url"].rstrip("/"), credentials["token"]
        self._outbound, self._budget = outbound, budget
        self.elapsed = 0.0

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """The answer as an object. Raises `ConnectorError`s."""
        return await self._ask("GET", path, params, None)

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a writing request."""
        return await self._ask("POST", path, {}, msgspec.json.encode(body))

    async def _ask(self, method: str, path: str, params: dict[str, str], body: bytes | None) -> dict[str, Any]:
        reply = await self._outbound.request(
            method, f"{self._base}/{path}", params=params, headers={"Authorization": f"Bearer {self._token}"}, body=body,
            timeout=30, max_bytes=20 << 20, budget=self._budget, platform="stall",
        )  # fmt: skip
        self.elapsed = reply.elapsed
        if reply.status == 401:
            raise AuthFailed("The stall does not accept this token.", "Read it from the lid of the cash box again.")
        if reply.status == 403:
            raise Forbidden(f"The token may not read {path}.", "Ask the stall's owner for a token that may.")
        if reply.status == 429:
            raise RateLimited(
                "The stall is crowded.", "Nothing to do: it goes on by itself.", retry_after_seconds(reply.headers)
            )
        if reply.status >= 500:
            raise Temporary(f"The stall failed with error {reply.status}.", "It is tried again by itself.")
        if reply.status != 200:
            raise Permanent(f"The stall refused the request ({reply.status}).", "Check the address.")
        try:
            found: Mapping[str, Any] = msgspec.json.decode(reply.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Temporary(
                "The stall answered with something else than data.", "It is tried again by itself."
            ) from None
        return dict(found)
