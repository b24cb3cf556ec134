"""How long a step still takes, by what it has done so far."""

from __future__ import annotations

import time
from collections.abc import Callable

_SOON = 3.0
"""Seconds of work before which nothing is foretold."""


class Left:
    """Of one pass over `total` rows (None: nobody knows how many there are). `clock` gives monotonic seconds."""

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._clock = total, clock
        self._began, self._rows = clock(), 0

    def done(self, rows: int) -> None:
        """`rows` of them are done."""
        self._rows = rows

    def seconds(self) -> int | None:
        """How many more seconds at the pace so far; None while that would be a guess."""
        spent = self._clock() - self._began
        if self._total is None or self._rows <= 0 or spent < _SOON:
            return None
        return round(spent * max(0, self._total - self._rows) / self._rows)
