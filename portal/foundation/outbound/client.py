"""The client that every connector shares."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client import Histogram
from yarl import URL

from portal.foundation.errors import ConnectorError
from portal.foundation.outbound.body import pieces
from portal.foundation.outbound.budget import Budget, Budgets
from portal.foundation.outbound.certificates import Certificates
from portal.foundation.outbound.echoes import hushed
from portal.foundation.outbound.guard import AllowList, GuardedResolver, guarded_socket
from portal.foundation.outbound.patience import REFUSED, Plan, patiently
from portal.foundation.outbound.replies import Reply, StreamReply
from portal.foundation.outbound.retry import RetryPolicy
from portal.foundation.outbound.targets import Params, target
from portal.foundation.redis_link import RedisLink

_SECONDS = Histogram("portal_outbound_seconds", "Seconds of an answered attempt.", ["platform"])
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    address: URL
    headers: Mapping[str, str] | None
    body: bytes | None
    times: aiohttp.ClientTimeout
    tls: ssl.SSLContext | bool


class OutboundClient:
    """HTTP to addresses that users supply. One per process; `close()` at the end.

    Only http(s), no private address unless its `host:port` is in `allow`, no redirects, no cookies, no proxy from the
    environment. Every failure is a ConnectorError with advice and `details["reason"]`; an HTTP status is not a
    failure here. `ca_file` adds trusted authorities. Raises StartupError on a wrong `allow` or `ca_file`.
    `base_urls` holds the operator's other addresses of platforms that have one address for all shops (platform -> URL,
    for sandboxes); connectors look there before they use the platform's own.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        ca_file: Path | None = None,
        redis_link: RedisLink | None = None,
        user_agent: str = "CommercePortal",
        base_urls: Mapping[str, str] | None = None,
    ) -> None:
        self.base_urls: Mapping[str, str] = {name: url.rstrip("/") for name, url in (base_urls or {}).items() if url}
        self._allow, self._certificates = AllowList(allow), Certificates(ca_file)
        self._budgets, self._user_agent = Budgets(redis_link), user_agent
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 30.0,
        max_bytes: int = 20 << 20,
        verify_ssl: bool = True,
        ca_pem: str | None = None,
        budget: Budget | None = None,
        retries: RetryPolicy | int | None = None,
        platform: str = "other",
    ) -> Reply:
        """The answer, whole. `timeout` in seconds is for one attempt, from connecting to the last byte.

        `max_bytes` bounds the body on the wire and decoded. `budget` is waited for before each attempt. Safe methods
        are repeated on passing failures by `retries` (a number means that many repeats). A refusal that repeats the secrets it
        was sent comes without them (`echoes.py`). Raises ConnectorError.
        """
        request = _Request(
            method=method.upper(),
            address=_address(url, params),
            headers=headers,
            body=body,
            times=_times(timeout, timeout),
            tls=self._certificates.context(verify=verify_ssl, ca_pem=ca_pem),
        )

        async def attempt() -> Reply:
            began = time.monotonic()
            async with await self._send(request) as response:
                content = b"".join([piece async for piece in pieces(response, max_bytes)])
                if response.status >= 400:
                    content = hushed(content, request.address, request.headers, request.body)
                elapsed = time.monotonic() - began
                _SECONDS.labels(platform).observe(elapsed)
                return Reply(status=response.status, headers=response.headers, body=content, elapsed=elapsed)

        return await patiently(_plan(request, platform, timeout, max_bytes, budget, retries), self._budgets, attempt)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 30.0,
        total_seconds: float = 3600.0,
        max_bytes: int = 1 << 30,
        verify_ssl: bool = True,
        ca_pem: str | None = None,
        budget: Budget | None = None,
        retries: RetryPolicy | int | None = None,
        platform: str = "other",
    ) -> AsyncIterator[StreamReply]:
        """Like `request`, but the body is read by `chunks()`. `timeout` is the longest silence, `total_seconds` the
        whole download. Only the opening is repeated: what has been read cannot be taken back."""
        request = _Request(
            method=method.upper(),
            address=_address(url, params),
            headers=headers,
            body=body,
            times=_times(timeout, total_seconds),
            tls=self._certificates.context(verify=verify_ssl, ca_pem=ca_pem),
        )
        plan = _plan(request, platform, timeout, max_bytes, budget, retries)
        response = await patiently(plan, self._budgets, lambda: self._send(request))
        try:
            yield StreamReply(response, host=plan.host, idle=timeout, max_bytes=max_bytes)
        finally:
            response.close()

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _send(self, request: _Request) -> aiohttp.ClientResponse:
        return await self._session(allowed=request.address in self._allow).request(
            request.method,
            request.address,
            headers=request.headers,
            data=request.body,
            timeout=request.times,
            ssl=request.tls,
            allow_redirects=False,
        )

    def _session(self, *, allowed: bool) -> aiohttp.ClientSession:
        """Two sessions: connections to the operator's exceptions are never shared with guarded requests."""
        session = self._sessions.get(allowed)
        if session is None or session.closed:
            session = self._sessions[allowed] = aiohttp.ClientSession(
                connector=_connector(guarded=not allowed),
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # body.py does it within bounds
                trust_env=False,
            )
            # aiohttp would silently send any cut PUT, DELETE or GET a second time, past our policy and budget.
            session._retry_connection = False
        return session


def _connector(*, guarded: bool) -> aiohttp.TCPConnector:
    # Idle connections are left before common servers cut them (Apache after 5 s), so that a POST rarely meets a cut.
    return aiohttp.TCPConnector(
        limit=100,
        ttl_dns_cache=30,
        keepalive_timeout=4,
        resolver=GuardedResolver() if guarded else None,
        socket_factory=guarded_socket if guarded else None,
    )


def _address(url: str, params: Params | None) -> URL:
    try:
        return target(url, params)
    except ConnectorError:
        REFUSED.labels("bad_url").inc()
        raise


def _plan(  # noqa: PLR0917 - the arguments of both public methods, in one place
    request: _Request,
    platform: str,
    timeout: float,
    max_bytes: int,
    budget: Budget | None,
    retries: RetryPolicy | int | None,
) -> Plan:
    return Plan(
        method=request.method,
        host=request.address.host or "",
        platform=platform,
        timeout=timeout,
        max_bytes=max_bytes,
        budget=budget,
        policy=RetryPolicy.of(retries),
    )


def _times(idle: float, total: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, sock_connect=min(_CONNECT_SECONDS, idle), sock_read=idle)
