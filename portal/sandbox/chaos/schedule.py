"""Which request meets which fault: a function of the seed, the store's name and the request's number, never of the clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from portal.sandbox.chaos.kinds import DELIVERIES, meaning
from portal.sandbox.faults import Fault

_CALM, _STORM = (8, 30), (6, 20)  # requests, from and to
_CALM_SHARE = 0.1  # of the intensity, in calm phases
_FIRST_CALM = 3


@dataclass
class Schedule:
    """The plan of one store. `kinds` are the weights of what may be dealt."""

    seed: int
    name: str
    kinds: Mapping[str, int]
    _ends: list[int] = field(default_factory=list)

    def is_stormy(self, number: int) -> bool:
        """Whether the request with this number (from 0) falls into a storm. Calm comes first, and between storms."""
        rng = Random(f"{self.seed}:{self.name}:phases:{len(self._ends)}")
        while not self._ends or self._ends[-1] <= number:
            stormy = len(self._ends) % 2 == 1
            length = _FIRST_CALM if not self._ends else rng.randint(*(_STORM if stormy else _CALM))
            self._ends.append((self._ends[-1] if self._ends else 0) + length)
            rng = Random(f"{self.seed}:{self.name}:phases:{len(self._ends)}")
        return bisect_right(self._ends, number) % 2 == 1

    def fault(self, number: int, intensity: float) -> tuple[str, Fault] | None:
        """The fault of a request and how it is counted; None for most. Another intensity deals more or fewer of the same."""
        rng = Random(f"{self.seed}:{self.name}:{number}")
        chance = intensity if self.is_stormy(number) else intensity * _CALM_SHARE
        if rng.random() >= chance:
            return None
        kind = rng.choices(list(self.kinds), list(self.kinds.values()))[0]
        known_as, retry_after = meaning(kind)
        seconds = round(rng.uniform(0.05, 0.4), 2)
        return kind, Fault(known_as, seconds=seconds, retry_after=retry_after)

    def changes(self, number: int, rate: float) -> int:
        """How many changes the store goes through with a request, `rate` on average."""
        whole, rest = divmod(rate, 1)
        return int(whole) + (Random(f"{self.seed}:{self.name}:life:{number}").random() < rest)

    def delivery(self, number: int, intensity: float) -> tuple[str, float]:
        """What happens to a webhook (empty: nothing), and the seconds it is held back."""
        rng = Random(f"{self.seed}:{self.name}:delivery:{number}")
        if rng.random() >= intensity:
            return "", 0.0
        fate = rng.choices(list(DELIVERIES), list(DELIVERIES.values()))[0]
        return fate, round(rng.uniform(0.2, 1.5), 2) if fate == "delayed" else 0.0
