"""The detailed log of a run: what each attempt asked of the store for each stream, and what the comparisons at a glance saw.

One entry per attempt, in `client_api_sync_results.log`, written when the attempt ends (one that was killed leaves none; the
next says so by its number). The full comparisons are rows of their own (`reconciliations.run_id`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from portal.foundation.outbound.spent import Spent, counted
from portal.sync.proof.glances import Seen
from portal.tenancy.scope import Scope


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one stream (or its comparison) cost the store. `seconds` it took, `waited` of them for rate limits and repeats."""

    requests: int = 0
    repeats: int = 0
    waited: float = 0.0
    seconds: float = 0.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: when it ended, what each part cost, what was seen at a glance."""

    at: datetime
    costs: dict[str, Cost] = {}
    glances: dict[str, Seen] = {}


@dataclass(slots=True)
class RunLog:
    """The entry under way."""

    costs: dict[str, Cost] = field(default_factory=dict)
    glances: dict[str, Seen] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done within as `name`, also when it fails."""
        spent, began = Spent(), time.monotonic()
        try:
            with counted(spent):
                yield
        finally:
            before, took = self.costs.get(name, Cost()), time.monotonic() - began
            self.costs[name] = Cost(
                requests=before.requests + spent.requests,
                repeats=before.repeats + spent.repeats,
                waited=round(before.waited + spent.waited, 3),
                seconds=round(before.seconds + took, 3),
            )

    async def save(self, scope: Scope, run_id: UUID, now: datetime) -> None:
        """Add the entry to the run's; nothing of it is kept here afterwards."""
        if self.costs or self.glances:
            entry = msgspec.json.encode([Entry(at=now, costs=self.costs, glances=self.glances)]).decode()
            await scope.sql.execute(
                "UPDATE client_api_sync_results SET log = log || $2::jsonb WHERE run_id = $1", run_id, entry
            )
            self.costs, self.glances = {}, {}


def read(stored: str | None) -> list[Entry]:
    """The entries of a run; of another version's shape none."""
    try:
        return msgspec.json.decode(stored or "[]", type=list[Entry])
    except msgspec.ValidationError:
        return []
