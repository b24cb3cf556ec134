"""Faults a store shows for its next N API requests: what hosts, proxies and broken plugins do."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("500", "502", "429", "slow", "cut", "truncated", "html", "garbage", "silence", "huge")


@dataclass(slots=True)
class Fault:
    """One planned fault.

    `kind` is one of KINDS: an error status, `slow` (answers after `seconds`), `cut` (the connection ends inside
    the body), `truncated` (a complete HTTP answer whose JSON ends early), `html` (a maintenance page with status
    200), `garbage` (bytes that are no JSON), `silence` (nothing for `seconds`, then the connection ends), `huge`
    (a body of 20 MB). It applies to the next `times` requests whose path contains `path`.
    """

    kind: str
    times: int = 1
    seconds: float = 0.0
    retry_after: int | None = None
    path: str = ""


class Faults:
    """The faults that wait for requests, first planned first used."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

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
        return None
