"""Answers kept for a while: in this process first, then in Redis; computed once however many ask."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec
from prometheus_client import Counter

from portal.foundation.redis_link import AWAY, RedisLink

_LOOKUPS = Counter("portal_cache_lookups_total", "Cache look-ups, by where the answer came from.", ["source"])
_ENTRY_OVERHEAD = 400  # bytes that Python needs around the body and the key
_LARGEST_SHARED = 1 << 20


class Cached(msgspec.Struct, frozen=True):
    """An answer: its bytes, a strong ETag (quotes included) over them, and when it was computed (aware UTC)."""

    body: bytes
    etag: str
    created_at: datetime

    @classmethod
    def of(cls, body: bytes) -> Cached:
        """A fresh answer, made now."""
        return cls(body, f'"{blake2b(body, digest_size=16).hexdigest()}"', datetime.now(UTC))

    @property
    def age(self) -> float:
        """Seconds since it was computed; never negative."""
        return max(0.0, time.time() - self.created_at.timestamp())


class Cache:
    """Two levels: an LRU of at most `max_bytes` in this process, and Redis for all processes (without `link`: none).

    A key carries its tenant and data version, so entries need no invalidation; `max_age` bounds their age. Redis
    being away costs only what it would have saved.
    """

    def __init__(self, link: RedisLink | None = None, *, max_bytes: int = 64 << 20) -> None:
        self._link, self._max_bytes, self._bytes = link, max_bytes, 0
        self._kept: OrderedDict[str, Cached] = OrderedDict()
        self._running: dict[tuple[str, float], asyncio.Task[Cached]] = {}
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Cached)

    @property
    def bytes_kept(self) -> int:
        """What the first level holds, in bytes."""
        return self._bytes

    def peek(self, key: str, max_age: float) -> Cached | None:
        """The answer if this process has one not older than `max_age` seconds. Costs about a microsecond."""
        found = self._kept.get(key)
        if found is None or found.age > max_age:
            return None
        self._kept.move_to_end(key)
        return found

    async def get_or_compute(self, key: str, max_age: float, compute: Callable[[], Awaitable[bytes]]) -> Cached:
        """The answer not older than `max_age` seconds, computed when there is none.

        All who ask for one key and age at a time share one computation, which goes on when the first of them leaves; so
        `compute` opens its own transaction. Its error reaches all who wait and is not kept.
        """
        if (found := self.peek(key, max_age)) is not None:
            _LOOKUPS.labels("process").inc()
            return found
        asked = (key, max_age)
        running = self._running.get(asked)
        if running is None:
            running = asyncio.create_task(self._find(key, max_age, compute), name="cache-compute")
            self._running[asked] = running
            running.add_done_callback(lambda done: self._finished(asked, done))
        return await asyncio.shield(running)

    async def forget(self, key: str) -> None:
        """Drop one answer, here and in Redis (other processes may keep theirs up to its max age)."""
        self._drop(key)
        if self._link is not None:
            await self._link.try_delete(self._link.key("cache", key))

    async def _find(self, key: str, max_age: float, compute: Callable[[], Awaitable[bytes]]) -> Cached:
        if (shared := await self._shared(key)) is not None and shared.age <= max_age:
            _LOOKUPS.labels("redis").inc()
            self._keep(key, shared)
            return shared
        _LOOKUPS.labels("computed").inc()
        fresh = Cached.of(await compute())
        self._keep(key, fresh)
        if self._link is not None and max_age > 0 and len(fresh.body) <= _LARGEST_SHARED:
            await self._link.try_set(self._link.key("cache", key), self._encoder.encode(fresh), max_age)
        return fresh

    async def _shared(self, key: str) -> Cached | None:
        if self._link is None:
            return None
        raw = await self._link.try_get(self._link.key("cache", key))
        if raw is AWAY or raw is None:
            return None
        try:
            return self._decoder.decode(raw)
        except msgspec.MsgspecError:  # another release of the portal wrote it
            return None

    def _keep(self, key: str, entry: Cached) -> None:
        self._drop(key)
        cost = _cost(key, entry)
        if cost > self._max_bytes:
            return
        self._kept[key] = entry
        self._bytes += cost
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if (entry := self._kept.pop(key, None)) is not None:
            self._bytes -= _cost(key, entry)

    def _finished(self, asked: tuple[str, float], done: asyncio.Task[Cached]) -> None:
        self._running.pop(asked, None)
        if not done.cancelled():
            done.exception()  # whoever waited has it; nobody waiting is no reason for a warning


def _cost(key: str, entry: Cached) -> int:
    return len(entry.body) + len(key) + _ENTRY_OVERHEAD
