"""The chaos of one store: what it deals, what it has dealt, and how it is steered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from portal.sandbox.chaos import life
from portal.sandbox.chaos.kinds import weights
from portal.sandbox.chaos.schedule import Schedule
from portal.sandbox.faults import Fault
from portal.sandbox.platforms import Action
from portal.sandbox.store import Store

INTENSITY, CHANGES = 0.4, 0.4
_FURTHEST_SECONDS = 240
Json = dict[str, object]


class Chaos:
    """Not under way until `start`. `actions` are what can happen in the store."""

    requests: int
    deliveries: int
    steps: int
    clock_ahead: int  # seconds
    dealt: Counter[str]
    dealt_deliveries: Counter[str]
    changes: Counter[str]

    def __init__(self, store: Store, actions: Mapping[str, Action]) -> None:
        self._store, self._actions = store, actions
        self._schedule = Schedule(0, store.spec.name, weights(store.spec.platform))
        self.running = self.frozen = False
        self.intensity, self.changes_rate = INTENSITY, CHANGES
        self._clear()

    def start(self, seed: int, intensity: float, changes: float, *, skew: bool = True) -> None:
        """Begin from the first request of the schedule. With `skew` the store's clock is wrong from now on, by the seed."""
        self._schedule = Schedule(seed, self._store.spec.name, weights(self._store.spec.platform))
        self._clear()
        self.intensity, self.changes_rate = intensity, changes
        self.running, self.frozen = True, False
        if skew:
            rng = Random(f"{seed}:{self._store.spec.name}:clock")
            now = datetime.now(UTC)
            # Behind, but not behind its own newest row: a store whose stamps run backwards is another illness.
            newest = max((order.modified for order in self._store.orders.values()), default=0)
            behind = max(-_FURTHEST_SECONDS, min(0, newest + 1 - int(now.timestamp())))
            self.clock_ahead = rng.randint(behind, _FURTHEST_SECONDS)
            self._store.clock.set(now + timedelta(seconds=self.clock_ahead))

    def stop(self) -> None:
        """No more faults and no more changes; the counts stay. The clock stays as wrong as it is."""
        self.running = False

    def next_fault(self) -> Fault | None:
        """The fault of the next request, which is counted; changes of the store come with it."""
        if not self.running:
            return None
        number, self.requests = self.requests, self.requests + 1
        if not self.frozen:
            self.change(self._schedule.changes(number, self.changes_rate))
        found = self._schedule.fault(number, self.intensity)
        if found is None:
            return None
        self.dealt[found[0]] += 1
        return found[1]

    def next_delivery(self) -> tuple[str, float]:
        """What happens to the next webhook: `dropped`, `doubled`, `delayed` by so many seconds, or nothing."""
        if not self.running:
            return "", 0.0
        fate, seconds = self._schedule.delivery(self.deliveries, self.intensity)
        self.deliveries += 1
        if fate:
            self.dealt_deliveries[fate] += 1
        return fate, seconds

    def change(self, count: int) -> int:
        """Carry out the next steps of the script; says how many had something to change."""
        done = 0
        for _ in range(count):
            name = life.step(self._store, self._actions, self._schedule.seed, self.steps)
            self.steps += 1
            if name:
                self.changes[name] += 1
                done += 1
        return done

    def told(self) -> Json:
        """The state as `GET /_chaos` tells it."""
        stormy = self.running and self._schedule.is_stormy(self.requests)
        return {
            "running": self.running, "frozen": self.frozen, "seed": self._schedule.seed, "intensity": self.intensity,
            "changes_per_request": self.changes_rate, "phase": "storm" if stormy else "calm",
            "clock_ahead_seconds": self.clock_ahead, "requests": self.requests, "dealt": dict(sorted(self.dealt.items())),
            "deliveries": self.deliveries, "dealt_deliveries": dict(sorted(self.dealt_deliveries.items())),
            "changes": dict(sorted(self.changes.items())),
        }  # fmt: skip

    def _clear(self) -> None:
        self.requests = self.deliveries = self.steps = self.clock_ahead = 0
        self.dealt, self.dealt_deliveries, self.changes = Counter(), Counter(), Counter()
