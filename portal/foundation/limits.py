"""Rate limits per principal and route family, per minute, shared by all processes."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import structlog
from prometheus_client import Counter

from portal.foundation.redis_link import AWAY, RedisLink, Script

_log = structlog.get_logger("portal.limits")
_REFUSED = Counter("portal_rate_limited_total", "Requests refused by a rate limit, by family.", ["family"])
_LEASES = Counter("portal_limit_leases_total", "Blocks of requests leased, by where from.", ["source"])

_WINDOW_SECONDS = 60
_BLOCKS_PER_LIMIT = 6
_SWEEP_EVERY = 10_000

# Server time, so that the clocks of our machines do not matter. The key ends with its window.
_LEASE = Script("""
local now = redis.call('TIME')
local left = 60000 - (now[1] % 60) * 1000 - math.floor(now[2] / 1000)
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local granted = math.max(0, math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - used))
if granted > 0 then
  redis.call('SET', KEYS[1], used + granted, 'PX', math.max(1, left))
end
return {granted, used + granted, left}
""")


class LimitState(NamedTuple):
    """The answer to one hit. `reset_seconds`: until the window ends (for Retry-After, round up)."""

    allowed: bool
    remaining: int
    reset_seconds: float


class _Lease:
    """What this process may still let through in the current window, without asking again."""

    __slots__ = ("ends", "local", "renewing", "spare", "taken", "tokens")

    def __init__(self) -> None:
        self.ends = 0.0  # monotonic
        self.tokens = 0
        self.spare = 0  # not leased by anyone yet, as of the last answer
        self.taken = 0  # granted to this process in the window; what counts while Redis is away
        self.local = False
        self.renewing: asyncio.Task[None] | None = None


class Limiter:
    """A fixed window per minute, kept in Redis and leased in blocks of a sixth of the limit.

    With Redis up no more than the limit passes in a window, over all processes (a block leased by one process
    is not available to another, so with several a little less may pass); one process alone gets exactly the
    limit. Without Redis each process counts for itself.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._leases: dict[tuple[str, str, int], _Lease] = {}
        self._quiet_until = 0.0

    async def hit(self, principal_key: str, family: str, limit_per_minute: int) -> LimitState:
        """Count one request. Never raises; asks Redis only when the leased block is used up."""
        name = (principal_key, family, limit_per_minute)
        lease = self._leases.get(name)
        if lease is None:
            lease = self._new_lease(name)
        while True:
            now = time.monotonic()
            if now < lease.ends:
                if lease.tokens > 0:
                    lease.tokens -= 1
                    return LimitState(True, lease.tokens + lease.spare, lease.ends - now)
                if lease.spare <= 0:
                    _REFUSED.labels(family).inc()
                    return LimitState(False, 0, lease.ends - now)
            await self._renew(lease, name)

    async def _renew(self, lease: _Lease, name: tuple[str, str, int]) -> None:
        """One renewal for all who wait; it goes on when the first of them is cancelled."""
        if lease.renewing is None or lease.renewing.done():
            lease.renewing = asyncio.create_task(self._lease(lease, *name))
        await asyncio.shield(lease.renewing)

    async def _lease(self, lease: _Lease, principal_key: str, family: str, limit: int) -> None:
        block = max(1, limit // _BLOCKS_PER_LIMIT)
        asked = time.monotonic()
        key = self._link.key("limit", family, principal_key)
        answer = await self._link.try_script(_LEASE, [key], [limit, block])
        if answer is AWAY:
            self._lease_alone(lease, block, limit)
            return
        granted, used, left_ms = (int(part) for part in answer)
        if asked >= lease.ends or lease.local:
            lease.tokens = lease.taken = 0  # an earlier window's tokens are void
        # Counted from before the question, so that a lease never outlives its window.
        lease.ends = asked + left_ms / 1000
        lease.tokens += granted
        lease.taken += granted
        lease.spare = max(0, limit - used)
        lease.local = False
        _LEASES.labels("redis").inc()

    def _lease_alone(self, lease: _Lease, block: int, limit: int) -> None:
        now = time.monotonic()
        if now >= lease.ends:
            lease.ends = now + _WINDOW_SECONDS - time.time() % _WINDOW_SECONDS
            lease.tokens = lease.taken = 0
        granted = max(0, min(block, limit - lease.taken))
        lease.tokens += granted
        lease.taken += granted
        lease.spare = max(0, limit - lease.taken)
        lease.local = True
        _LEASES.labels("alone").inc()
        if now >= self._quiet_until:
            self._quiet_until = now + _WINDOW_SECONDS
            _log.warning("limits_degraded", detail="Redis is away: every process counts for itself")

    def _new_lease(self, name: tuple[str, str, int]) -> _Lease:
        if len(self._leases) >= _SWEEP_EVERY and len(self._leases) % _SWEEP_EVERY == 0:
            now = time.monotonic()
            self._leases = {key: kept for key, kept in self._leases.items() if now < kept.ends}
        lease = self._leases[name] = _Lease()
        return lease
