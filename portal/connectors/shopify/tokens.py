"""Access tokens of the 24-hour kind: got by client id and secret, kept in this process' memory, renewed ahead of time.

A token is never stored nor logged: a restarted process asks for another, and Shopify lets older ones live on until their own
time is over, so processes need not share one.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from portal.connectors.shopify.failures import APPS, CHECK_SHOP, of_status
from portal.connectors.shopify.shop import Shop
from portal.foundation.errors import AuthFailed, NotFound, Permanent
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget
from portal.foundation.outbound.retry import RetryPolicy

AHEAD = 3600.0
"""Seconds before its end that a token is renewed; of a shorter life, a fifth of it."""
_KEPT = 5_000
_CHECK = (
    f"Check Client ID and Client Secret: {APPS} (or the Dev Dashboard) → the app → API credentials; paste both again."
)


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = 86_400.0
    scope: str = ""


class _Refused(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class Tokens:
    """Tokens by shop and app. `clock` gives monotonic seconds: a wrong wall clock cannot outlive a token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, shop: Shop, outbound: OutboundClient, budget: Budget | None) -> str:
        """A token that will still live for a while. Raises `ConnectorError`s with advice."""
        key = _key(shop)
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:  # many requests at once ask for one token
                held = self._held.get(key)
                if held is not None and self._clock() < held[1]:
                    self._held.move_to_end(key)
                    return held[0]
                granted = await _ask(shop, outbound, budget)
                self._held[key] = (
                    granted.access_token,
                    self._clock() + granted.expires_in - min(AHEAD, granted.expires_in / 5),
                )
                if len(self._held) > _KEPT:
                    self._held.popitem(last=False)
                return granted.access_token
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    def drop(self, shop: Shop, token: str) -> None:
        """Forget a token that was refused, unless another request has already got a new one."""
        held = self._held.get(_key(shop))
        if held is not None and held[0] == token:
            del self._held[_key(shop)]


TOKENS = Tokens()
"""This process' tokens."""


async def _ask(shop: Shop, outbound: OutboundClient, budget: Budget | None) -> _Granted:
    form = {
        "grant_type": "client_credentials",
        "client_id": shop.client_id,
        "client_secret": shop.client_secret,
    }
    reply = await outbound.request(
        "POST",
        shop.token_url,
        headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        timeout=20.0,
        max_bytes=1 << 20,
        budget=budget,
        platform="shopify",
        retries=RetryPolicy(idempotent=True),
    )
    if reply.status in {400, 401, 403}:
        raise _refusal(reply.body)
    if reply.status == 404:
        raise NotFound("There is no Shopify shop at this address.", CHECK_SHOP)
    if reply.status != 200:
        raise of_status(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)
    try:
        granted = msgspec.json.decode(reply.body, type=_Granted)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Permanent("Shopify answered the sign-in with something else than a token.", CHECK_SHOP) from None
    if not granted.access_token or granted.expires_in <= 0:
        raise Permanent("Shopify answered the sign-in with an empty token.", _CHECK)
    return granted


def _refusal(body: bytes) -> AuthFailed:
    try:
        told = msgspec.json.decode(body, type=_Refused)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = _Refused()
    if "shop_not_permitted" in told.error or "organization" in told.error_description.lower():
        return AuthFailed(
            "The app may not sign in to this shop by Client ID and secret.",
            "That works only when app and shop belong to one organization; use an access token instead.",
        )
    if told.error in {"app_not_installed", "application_not_installed"}:
        return AuthFailed("The app is not installed in this shop.", f"Install it: {APPS} → the app → Install app.")
    return AuthFailed("Shopify does not accept Client ID and Client Secret.", _CHECK)


def _key(shop: Shop) -> str:
    parts = "\x00".join((shop.base, shop.client_id, shop.client_secret))
    return hashlib.sha256(parts.encode()).hexdigest()
