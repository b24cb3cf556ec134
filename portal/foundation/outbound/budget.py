"""How fast one store may be asked, over all processes."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

import structlog

from portal.foundation.redis_link import AWAY, RedisLink, Script

_log = structlog.get_logger("portal.outbound")
_KEPT = 10_000

# The generic cell rate algorithm: one number per key, the moment at which the bucket would be full again. Every
# caller gets its own place in the queue, so nobody polls. Server time, microseconds.
_TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + interval
local wait = math.max(0, full_at - burst * interval - now)
if wait > patience then return {0, math.ceil(wait)} end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1000)
return {1, math.ceil(wait)}
""")


class Budget(NamedTuple):
    """`rate_per_second` requests in the long run, `burst` at once. Processes that share `key` share the budget."""

    key: str
    rate_per_second: float
    burst: int = 1


class Turn(NamedTuple):
    """`granted`: go after `wait` seconds. Otherwise nothing was taken, and a turn would come after `wait`."""

    granted: bool
    wait: float


class Budgets:
    """Takes turns from the budgets; without Redis each process keeps its own, which is logged once per absence."""

    def __init__(self, link: RedisLink | None) -> None:
        self._link = link
        self._own: OrderedDict[str, float] = OrderedDict()
        self._degraded = False

    async def take(self, budget: Budget, patience: float) -> Turn:
        """Reserve the next turn if it comes within `patience` seconds. Never raises."""
        interval = 1_000_000 / budget.rate_per_second
        burst = max(1, budget.burst)
        if self._link is not None:
            key = self._link.key("budget", budget.key)
            answer = await self._link.try_script(_TAKE, [key], [interval, burst, patience * 1_000_000])
            if answer is not AWAY:
                self._degraded = False
                return Turn(bool(answer[0]), int(answer[1]) / 1_000_000)
            if not self._degraded:
                self._degraded = True
                _log.warning("outbound_budget_degraded", detail="Redis is away: every process keeps its own budget")
        return self._take_own(budget.key, interval / 1_000_000, burst, patience)

    def _take_own(self, key: str, interval: float, burst: int, patience: float) -> Turn:
        now = time.monotonic()
        full_at = max(self._own.get(key, 0.0), now) + interval
        wait = max(0.0, full_at - burst * interval - now)
        if wait > patience:
            return Turn(False, wait)
        self._own[key] = full_at
        self._own.move_to_end(key)
        if len(self._own) > _KEPT:
            self._own.popitem(last=False)
        return Turn(True, wait)
