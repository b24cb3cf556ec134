"""Faults a store shows for its next N API requests: what hosts, proxies and broken plugins do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

KINDS = (
    "500", "502", "503", "429", "slow", "silence", "cut", "cut_head", "truncated", "html", "garbage", "wrong_type",
    "duplicates", "disorder", "huge",
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """One planned fault.

    `kind` is one of KINDS: an error status, `slow` (answers after `seconds`), `cut` (the connection ends inside
    the body), `cut_head` (inside the headers), `truncated` (a complete HTTP answer whose JSON ends early), `html` (a
    maintenance page with status 200), `garbage` (bytes that are no JSON), `wrong_type` (the right body, said to be
    HTML), `silence` (nothing for `seconds`, then the connection ends), `duplicates` (some rows of a page twice),
    `disorder` (the rows of a page in another order), `huge` (a body of 20 MB). Platforms know more of their own. It
    applies to the next `times` requests whose path contains `path`.
    """

    kind: str
    times: int = 1
    seconds: float = 0.0
    retry_after: int | None = None
    path: str = ""


def _none() -> Fault | None:
    return None


class Faults:
    """The faults that wait for requests, first planned first used. Where none waits, `source` may deal one (chaos)."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.source: Callable[[], Fault | None] = _none

    def plan(self, fault: Fault) -> None:
        """Adds a fault."""
        self.planned.append(fault)

    def clear(self) -> int:
        """Removes all faults and says how many there were."""
        count = len(self.planned)
        self.planned.clear()
        return count

    def next_for(self, path: str) -> Fault | None:
        """The fault that this request shall meet, used up by one."""
        for fault in self.planned:
            if fault.path in path:
                fault.times -= 1
                if fault.times <= 0:
                    self.planned.remove(fault)
                return fault
        return self.source()
