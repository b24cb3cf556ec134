"""Access tokens of Login with Amazon: one hour each, renewed ahead of time, in memory only and never in a log."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlencode

import msgspec

from portal.connectors.amazon.account import Account
from portal.connectors.amazon.failures import lwa_failure
from portal.foundation.errors import Temporary
from portal.foundation.outbound import OutboundClient, RetryPolicy

_AHEAD = 300.0
_PATIENCE = RetryPolicy(attempts=3, idempotent=True)  # asking twice gives two tokens, both good


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class Tokens:
    """The access token of one account, asked for when it is needed. Raises `ConnectorError`s with advice."""

    def __init__(self, account: Account, outbound: OutboundClient) -> None:
        self._account = account
        self._outbound = outbound
        self._token = ""
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def current(self, *, refused: str = "") -> str:
        """A token with at least five minutes (or half its life) left, and not the `refused` one."""
        async with self._asking:  # several requests at once need one token, not one each
            if self._token == refused or time.monotonic() >= self._good_until:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._account.refresh_token,
            "client_id": self._account.client_id,
            "client_secret": self._account.client_secret,
        }
        reply = await self._outbound.request(
            "POST",
            f"{self._account.lwa}/auth/o2/token",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urlencode(form).encode(),
            timeout=20,
            max_bytes=1 << 16,
            retries=_PATIENCE,
            platform="amazon",
        )
        if reply.status != 200:
            raise lwa_failure(reply.status, reply.body)
        try:
            grant = msgspec.json.decode(reply.body, type=_Grant)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Temporary("Login with Amazon answered without a token.", "It is tried again by itself.") from None
        self._token = grant.access_token
        self._good_until = time.monotonic() + max(grant.expires_in - _AHEAD, grant.expires_in / 2)
