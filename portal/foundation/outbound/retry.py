"""When a request is made again, and after how long. Pure decisions; the client does the waiting."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How patient a request is. Seconds throughout.

    `attempts` counts the first. Waits grow from `base`, doubling, with full jitter, at most `cap`. A `Retry-After` up
    to `cap` is honoured; a longer one ends the retries, and the answer goes to the caller, who can come back later:
    coming back sooner than asked would be rude and vain. No attempt starts after `deadline`. `idempotent` makes a
    method repeatable that is not safe by its name (a GraphQL query by POST).
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 20.0
    deadline: float = 90.0
    idempotent: bool = False

    @classmethod
    def of(cls, retries: RetryPolicy | int | None) -> RetryPolicy:
        """A number means that many repeats after the first attempt."""
        if retries is None:
            return cls()
        return cls(attempts=retries + 1) if isinstance(retries, int) else retries

    def repeatable(self, method: str) -> bool:
        """Whether the request may be made twice without doing something twice."""
        return self.idempotent or method in SAFE_METHODS

    def passing(self, method: str, status: int) -> bool:
        """Whether an answer with this status is worth asking again. 500 is, but only for GET."""
        return self.repeatable(method) and (status in _PASSING or (status == 500 and method == "GET"))

    def pause(self, attempt: int, elapsed: float, asked: float | None) -> float | None:
        """Seconds to wait after the `attempt`th attempt failed, None to give up.

        `elapsed` is counted from the first attempt, `asked` is what Retry-After said.
        """
        if attempt >= self.attempts or (asked is not None and asked > self.cap):
            return None
        jittered = random.uniform(0, min(self.cap, self.base * 2 ** (attempt - 1)))  # noqa: S311 - spreads load
        wait = jittered if asked is None else asked + min(jittered, self.base)
        return wait if elapsed + wait < self.deadline else None


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that `Retry-After` asks for (a number or an HTTP date), None without or with nonsense."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
