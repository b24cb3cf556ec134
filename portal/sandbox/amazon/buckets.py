"""One token bucket per operation, with Amazon's documented rates times the account's pace."""

from __future__ import annotations

import time
from typing import NamedTuple


class Plan(NamedTuple):
    """The usage plan of an operation: requests a second, and how many at once."""

    rate: float
    burst: int


class Buckets:
    """Takes a request from an operation's bucket."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._left: dict[str, tuple[float, float]] = {}

    def rate(self, plan: Plan) -> float:
        """The rate that applies, as the answers' header tells it."""
        return plan.rate * self.pace

    def take(self, operation: str, plan: Plan) -> bool:
        """Whether there was one left."""
        now = time.monotonic()
        left, seen = self._left.get(operation, (float(plan.burst), now))
        left = min(float(plan.burst), left + (now - seen) * self.rate(plan))
        granted = left >= 1
        self._left[operation] = (left - 1 if granted else left, now)
        return granted
