"""Shopify's bucket of points: what a query costs, what is left, how fast it fills again. All figures are the answers' own.

The plan decides the restore rate (100 to 2,000 points a second), so none is written down here: before the first answer
nothing is known and nothing is waited for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import msgspec

_MARGIN = 1.05  # other apps' work and the clock's grain


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`throttleStatus` of an answer."""

    maximum_available: float = 0.0
    currently_available: float = 0.0
    restore_rate: float = 0.0


class Cost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`extensions.cost`: points asked for before the query ran, and taken after it."""

    requested_query_cost: float | None = None
    actual_query_cost: float | None = None
    throttle_status: Status = Status()


class Throttle:
    """How long to wait before a query of a known cost. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._status = Status()
        self._at = 0.0
        self._costs: dict[str, float] = {}

    def seen(self, name: str, cost: Cost) -> None:
        """Remember what an answer said; `name` is the operation's."""
        if cost.requested_query_cost:
            self._costs[name] = cost.requested_query_cost
        if cost.throttle_status.restore_rate > 0:
            self._status, self._at = cost.throttle_status, self._clock()

    def forget(self, name: str) -> None:
        """The next query of that name will cost something else (other page size)."""
        self._costs.pop(name, None)

    def wait(self, name: str) -> float:
        """Seconds until the bucket holds what the query will probably cost; 0 when that is unknown."""
        rate, cost = self._status.restore_rate, self._costs.get(name, 0.0)
        if rate <= 0 or cost <= 0:
            return 0.0
        most = self._status.maximum_available or math.inf
        now = min(most, self._status.currently_available + (self._clock() - self._at) * rate)
        return max(0.0, (min(cost, most) - now) / rate * _MARGIN)

    @property
    def restore_rate(self) -> float | None:
        """Points per second, as the last answer told; None before the first."""
        return self._status.restore_rate or None
