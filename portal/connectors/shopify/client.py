"""I/O with one shop: signing in, GraphQL in and out, the bucket of points, errors. Knows no record and no stream."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.connectors.shopify import search
from portal.connectors.shopify.failures import BY_ITSELF, Throttled, TokenRefused, http_date, of_errors, of_status
from portal.connectors.shopify.shop import Shop
from portal.connectors.shopify.throttle import Cost, Throttle
from portal.connectors.shopify.tokens import TOKENS
from portal.connectors.shopify.values import Row
from portal.connectors.values import number
from portal.foundation.errors import Permanent, RateLimited, Temporary
from portal.foundation.outbound import OutboundClient
from portal.foundation.outbound.budget import Budget
from portal.foundation.outbound.retry import RetryPolicy

MAX_BYTES = 32 << 20
LONGEST_WAIT = 30.0
"""Seconds that a query waits for points itself; a longer wait is the engine's to sit out."""
_NAME = re.compile(r"(?:query|mutation)\s+(\w+)")


class _Extensions(msgspec.Struct):
    cost: Cost = Cost()
    search: object = None


class _Body(msgspec.Struct):
    data: object = None
    errors: object = None
    extensions: _Extensions | None = None


_DECODER = msgspec.json.Decoder(_Body, float_hook=number)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer. `date` is Shopify's own clock, `elapsed` in seconds, `version` what answered."""

    data: Row
    date: datetime | None = None
    elapsed: float = 0.0
    version: str = ""


class Client:
    """Queries to one shop. Raises `ConnectorError`s only, each with advice."""

    def __init__(self, shop: Shop, outbound: OutboundClient, budget: Budget | None) -> None:
        self.shop = shop
        self.outbound = outbound
        self._budget = budget
        self.kind = shop.kind
        self.throttle = Throttle()

    @property
    def fell_back(self) -> bool:
        """Whether the access token was refused and client id and secret are used instead."""
        return self.kind != self.shop.kind

    async def query(self, document: str, variables: Mapping[str, object] | None = None, *, attempts: int = 4) -> Answer:
        """A reading query; repeated on passing failures. A `query` among the variables must quote its dates."""
        given = dict(variables or {})
        search.check(str(given.get("query") or ""))
        return await self._signed_in(document, given, RetryPolicy(attempts=attempts, idempotent=True))

    async def mutate(self, document: str, variables: Mapping[str, object]) -> Answer:
        """A changing request. Not repeated by itself: Shopify may have done it."""
        return await self._signed_in(document, dict(variables), RetryPolicy(attempts=1))

    async def _signed_in(self, document: str, variables: Mapping[str, object], policy: RetryPolicy) -> Answer:
        token = await self._token()
        try:
            return await self._patiently(document, variables, policy, token)
        except TokenRefused:
            if not self._other_token(token):
                raise
        return await self._patiently(document, variables, policy, await self._token())

    async def _token(self) -> str:
        if self.kind == "access_token":
            return self.shop.token
        return await TOKENS.get(self.shop, self.outbound, self._budget)

    def _other_token(self, refused: str) -> bool:
        """Whether another token is worth one try: a new one of the 24-hour kind (also instead of a refused permanent one)."""
        if self.kind == "access_token":
            if not self.shop.fall_back:
                return False
            self.kind = "client_credentials"
            return True
        TOKENS.drop(self.shop, refused)
        return True

    async def _patiently(
        self, document: str, variables: Mapping[str, object], policy: RetryPolicy, token: str
    ) -> Answer:
        """Wait for points before asking; a bucket that others emptied meanwhile is waited for again, a few times."""
        name = named[1] if (named := _NAME.match(document.lstrip())) else "query"
        waited = 0.0
        for attempt in range(6):
            wait = self.throttle.wait(name)
            if waited + wait > LONGEST_WAIT:
                raise RateLimited("Shopify asks to slow down.", BY_ITSELF, wait)
            if wait:
                await asyncio.sleep(wait)
            waited += wait
            try:
                return await self._once(document, variables, policy, token, name)
            except Throttled:
                pause = random.uniform(0.2, 0.5) * 2**attempt  # noqa: S311 - spreads load, guards nothing
                await asyncio.sleep(pause)
                waited += pause
        raise RateLimited("Shopify asks to slow down.", BY_ITSELF, max(1.0, self.throttle.wait(name)))

    async def _once(
        self, document: str, variables: Mapping[str, object], policy: RetryPolicy, token: str, name: str
    ) -> Answer:
        reply = await self.outbound.request(
            "POST",
            self.shop.graphql_url,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "X-Shopify-Access-Token": token,
            },
            body=msgspec.json.encode({"query": document, "variables": variables}),
            timeout=45.0,
            max_bytes=MAX_BYTES,
            budget=self._budget,
            platform="shopify",
            retries=policy,
        )
        headers = {key.lower(): value for key, value in reply.headers.items()}
        if reply.status != 200:
            raise of_status(reply.status, headers, reply.body)
        body = _parsed(reply.body)
        if body.extensions is not None:
            self.throttle.seen(name, body.extensions.cost)
        wrong = of_errors(body.errors)
        if wrong is not None:
            raise wrong
        if body.extensions is not None:
            search.refuse_warnings(body.extensions.search)
        if not isinstance(body.data, dict):
            raise Permanent("Shopify's answer has no data.", "Try again; if it persists, report it.")
        return Answer(
            data=body.data,
            date=http_date(headers.get("date", "")),
            elapsed=reply.elapsed,
            version=headers.get("x-shopify-api-version", ""),
        )


def _parsed(body: bytes) -> _Body:
    plain = body.strip()
    try:
        return _DECODER.decode(plain)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    if plain[:1] == b"{":
        raise Temporary("Shopify's answer was cut off.", "The sync tries again by itself.")
    raise Permanent(
        "The address answered with something else than Shopify's data.",
        "Check the shop domain: open it followed by /admin in a browser, it must lead to the Shopify admin.",
    )
