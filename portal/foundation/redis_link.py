"""The link to Redis (or Valkey): quick, and never a reason for an error. What it serves degrades without it."""

from __future__ import annotations

import asyncio
import enum
import hashlib
import time
from collections.abc import Sequence
from typing import Any, Final, Literal, cast

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

_log = structlog.get_logger("portal.redis")
_AVAILABLE = Gauge("portal_redis_available", "1 while Redis answers, 0 while work degrades without it.")
_FAILURES = Counter("portal_redis_failures_total", "Commands that Redis did not answer in time, by kind.", ["kind"])


class Away(enum.Enum):
    """What the `try_*` calls give when Redis is away. (None means: there, and empty.)"""

    AWAY = "away"


AWAY: Final = Away.AWAY


class Script:
    """A Lua script, sent once per server and called by its digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class RedisLink:
    """Redis behind a circuit breaker.

    After a failure every call fails at once for `pause` seconds, then one call probes while the others still
    fail fast. So a dead Redis costs a request microseconds, not a timeout. `prefix` keeps installations that
    share a server apart. Commands and connects are cut after `timeout` seconds.
    """

    def __init__(
        self, url: str, prefix: str, *, timeout: float = 0.25, pause: float = 1.0, connections: int = 32
    ) -> None:
        self.url, self.prefix = url, prefix
        self._pause, self._closed_until, self._quiet_until = pause, 0.0, 0.0
        self._probing, self._available = False, True
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = Redis.from_pool(pool)
        self._execute: Any = self._client.execute_command
        _AVAILABLE.set(1)

    @property
    def available(self) -> bool:
        """Whether the last call was answered (true before the first)."""
        return self._available

    def key(self, *parts: str) -> str:
        """A key or channel of this installation: `prefix:part:part`."""
        return ":".join((self.prefix, *parts))

    def subscriber(self) -> Redis:
        """A client of its own for a subscription, whose reads may wait long. The caller closes it."""
        return Redis.from_url(self.url, socket_timeout=None, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0))

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        return await self._try("ping", self._client.ping) is not AWAY

    async def try_get(self, key: str) -> bytes | Literal[Away.AWAY] | None:
        """The value, None when there is none."""
        return cast("bytes | Literal[Away.AWAY] | None", await self.try_command("GET", key))

    async def try_set(self, key: str, value: bytes | str, seconds: float) -> bool:
        """Store for `seconds`; False when Redis is away."""
        return await self.try_command("SET", key, value, "PX", max(1, round(seconds * 1000))) is not AWAY

    async def try_delete(self, *keys: str) -> bool:
        """Remove keys; False when Redis is away."""
        return await self.try_command("DEL", *keys) is not AWAY

    async def try_publish(self, channel: str, message: bytes) -> bool:
        """Publish; False when Redis is away."""
        return await self.try_command("PUBLISH", channel, message) is not AWAY

    async def try_command(self, *parts: bytes | str | float) -> Any:
        """Any command's raw answer, or AWAY."""
        return await self._try("command", self._execute, *parts)

    async def try_script(self, script: Script, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        """A script's raw answer, or AWAY."""
        return await self._try("script", self._run, script, keys, arguments)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    async def _run(self, script: Script, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        parts = (len(keys), *keys, *arguments)
        try:
            return await self._execute("EVALSHA", script.digest, *parts)
        except NoScriptError:  # first use on this server, or it was restarted
            return await self._execute("EVAL", script.source, *parts)

    async def _try(self, kind: str, call: Any, *arguments: Any) -> Any:
        if not self._available:
            if self._probing or time.monotonic() < self._closed_until:
                return AWAY
            self._probing = True
        try:
            answer = await call(*arguments)
        except ResponseError as error:  # it is there, but refuses: a mistake of ours, or it is full or read-only
            self._refused(error)
            return AWAY
        except (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self._failed(kind, error)
            return AWAY
        finally:
            self._probing = False
        self._answered()
        return answer

    def _answered(self) -> None:
        if not self._available:
            self._available = True
            _AVAILABLE.set(1)
            _log.info("redis_back")

    def _refused(self, error: ResponseError) -> None:
        _FAILURES.labels("refused").inc()
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + 60
            _log.error("redis_refused", error=str(error)[:200])

    def _failed(self, kind: str, error: Exception) -> None:
        _FAILURES.labels(kind).inc()
        self._closed_until = time.monotonic() + self._pause
        if self._available:
            self._available = False
            _AVAILABLE.set(0)
            _log.warning("redis_away", error=type(error).__name__)
