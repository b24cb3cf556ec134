"""I/O with one shop: authentication and its fall-back, errors, and JSON out. Knows no record and no stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.connectors.woocommerce import auth, body
from portal.connectors.woocommerce.failures import KeyUnseen, SignatureUnknown, failure, http_date
from portal.connectors.woocommerce.site import Site
from portal.foundation.errors import ConnectorError, Permanent, Temporary
from portal.foundation.outbound import OutboundClient, Reply
from portal.foundation.outbound.budget import Budget

MAX_BYTES = 20 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer, parsed. `total` is `X-WP-Total`, `date` the store's own clock, `elapsed` in seconds."""

    value: object
    total: int | None = None
    date: datetime | None = None
    elapsed: float = 0.0

    @property
    def rows(self) -> list[object]:
        """The rows of a collection. Raises `Permanent` when the answer is something else."""
        if isinstance(self.value, list):
            return self.value
        if isinstance(self.value, dict) and all(name.isdigit() for name in self.value):
            return list(self.value.values())  # PHP: a list with gaps
        raise Permanent("The shop sent an object where a list was expected.", "Update WooCommerce and its plug-ins.")


class Client:
    """Requests to one shop. Raises `ConnectorError`s only, each with advice."""

    def __init__(self, site: Site, outbound: OutboundClient, budget: Budget | None) -> None:
        self.site = site
        self._outbound = outbound
        self._budget = budget
        self._auth = site.auth
        self._algorithm = "HMAC-SHA256"
        self._tried_other = False

    @property
    def used_auth(self) -> str:
        """The way of authentication that is in use now: basic, query or oauth1."""
        return self._auth

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        retries: int = 3,
        rows: type[msgspec.Struct] | None = None,
    ) -> Answer:
        """GET below the API version ("/" is the root of WordPress' API). `rows`: what to decode rows into (`body.parse`)."""
        return _answer(await self._call("GET", path, dict(params or {}), None, retries), rows)

    async def send(self, method: str, path: str, payload: object, params: Mapping[str, str] | None = None) -> Answer:
        """A writing request with a JSON body. Not repeated by itself: the shop may have done it."""
        return _answer(await self._call(method, path, dict(params or {}), msgspec.json.encode(payload), 0))

    async def _call(self, method: str, path: str, params: dict[str, str], payload: bytes | None, retries: int) -> Reply:
        try:
            return await self._patiently(method, path, params, payload, retries)
        except (KeyUnseen, SignatureUnknown) as refused:
            if not self._other_way(refused):
                raise
        before = (self._auth, self._algorithm)
        self._auth, self._algorithm = ("query" if self._auth == "basic" else self._auth), "HMAC-SHA1"
        self._tried_other = True
        try:
            return await self._patiently(method, path, params, payload, retries)
        except ConnectorError:
            self._auth, self._algorithm = before
            raise

    def _other_way(self, refused: ConnectorError) -> bool:
        """Whether another form of showing the key is worth one try: the query string where the host strips the header,
        HMAC-SHA1 where SHA-256 is unknown."""
        if self._tried_other:
            return False
        if isinstance(refused, KeyUnseen):
            return self._auth == "basic" and self.site.fall_back
        return self._auth == "oauth1"

    async def _patiently(
        self, method: str, path: str, params: dict[str, str], payload: bytes | None, retries: int
    ) -> Reply:
        """Outbound repeats by itself, except for OAuth: a nonce is good for one request, so each try is signed anew."""
        if self._auth != "oauth1":
            return await self._once(method, path, params, payload, retries)
        for attempt in range(retries):
            try:
                return await self._once(method, path, params, payload, 0)
            except Temporary:
                await asyncio.sleep(0.5 * 2**attempt)
        return await self._once(method, path, params, payload, 0)

    async def _once(self, method: str, path: str, params: dict[str, str], payload: bytes | None, retries: int) -> Reply:
        url, headers = self.site.url(path), {"Accept": "application/json"}
        if self._auth == "basic":
            headers |= auth.basic(self.site.key, self.site.secret)
        elif self._auth == "query":
            params = {**params, **auth.query(self.site.key, self.site.secret)}
        else:
            params = auth.oauth1(method, url, params, self.site.key, self.site.secret, algorithm=self._algorithm)
        if payload is not None:
            headers["Content-Type"] = "application/json"
        try:
            reply = await self._outbound.request(
                method,
                url,
                params=params,
                headers=headers,
                body=payload,
                timeout=self.site.timeout,
                max_bytes=MAX_BYTES,
                verify_ssl=self.site.verify_ssl,
                ca_pem=self.site.ca_pem or None,
                budget=self._budget,
                platform="woocommerce",
                retries=retries,
            )
        except ConnectorError as wrong:
            if wrong.details.get("reason") in {"certificate", "tls"}:
                wrong.advice = wrong.details["advice"] = f"Ensure HTTPS is properly configured. {wrong.advice}".strip()
            raise
        if not 200 <= reply.status < 300:
            raise failure(reply.status, _lower(reply.headers), reply.body, path)
        return reply


def _answer(reply: Reply, rows: type[msgspec.Struct] | None = None) -> Answer:
    headers = _lower(reply.headers)
    total = headers.get("x-wp-total", "").strip()
    return Answer(
        value=body.parse(reply.body, rows),
        total=int(total) if total.isascii() and total.isdigit() and len(total) < 12 else None,
        date=http_date(headers.get("date", "")),
        elapsed=reply.elapsed,
    )


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
