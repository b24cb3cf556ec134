"""How far a run is: what the store's page shows, as numbers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec


class StreamProgress(msgspec.Struct, kw_only=True):
    """One stream of a run. `phase`: waiting, backfill, incremental, again (from a day on), done, not_due, not_permitted or failed.

    `total` is None while the store has not said how many rows there are; `eta_seconds` None when it cannot be told.
    """

    phase: str = "waiting"
    done: int = 0
    total: int | None = None
    rows_per_second: float | None = None
    eta_seconds: int | None = None
    trouble: str = ""  # what the store answered last; it is being asked again


@dataclass(slots=True)
class Pace:
    """Rows per second, smoothed over the last pages (one slow page does not turn an hour into a day).

    The clock runs over everything: the store's answers, waiting for its budget, repeats, and the writing here.
    """

    rate: float | None = None
    _last: float = field(default_factory=time.monotonic)

    def step(self, rows: int) -> float | None:
        """Count `rows` since the last step; returns the smoothed rate."""
        now = time.monotonic()
        if rows:
            latest = rows / max(now - self._last, 1e-3)
            self.rate = latest if self.rate is None else self.rate * 0.7 + latest * 0.3
        if (
            rows or self.rate is None
        ):  # a pause between two pages with rows counts; waiting for the first (an export) does not
            self._last = now
        return self.rate

    def eta(self, done: int, total: int | None) -> int | None:
        """Seconds until `total` at this pace, None when unknown."""
        if total is None or not self.rate:
            return None
        return max(0, round((total - done) / self.rate))


def encode(streams: dict[str, StreamProgress]) -> str:
    """As stored in `client_api_sync_results.progress`."""
    return msgspec.json.encode(streams).decode()


def decode(stored: str | bytes | None) -> dict[str, StreamProgress]:
    """What `encode` wrote; an older shape gives nothing rather than an error."""
    try:
        return msgspec.json.decode(stored or b"{}", type=dict[str, StreamProgress])
    except msgspec.DecodeError:
        return {}
