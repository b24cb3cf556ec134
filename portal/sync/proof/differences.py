"""What a comparison finds and what the store answers when it is asked about it: plain collections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from portal.connectors.answers import Listed
from portal.sync.proof.comparing import Held


@dataclass(slots=True)
class Found:
    """One kind of difference: how many, how many were healed, and the first hundred by id."""

    count: int = 0
    healed: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)

    def add(self, external_id: str, *, healed: bool, **more: Any) -> None:
        self.count += 1
        self.healed += healed
        if len(self.sample) < 100:
            self.sample.append({"id": external_id, "healed": healed, **{k: v for k, v in more.items() if v}})
        elif not healed:  # what is left to do is worth more than what was done
            done = next((n for n, each in enumerate(self.sample) if each["healed"]), None)
            if done is not None:
                self.sample[done] = {"id": external_id, "healed": healed, **{k: v for k, v in more.items() if v}}

    @property
    def left(self) -> int:
        return self.count - self.healed


@dataclass(slots=True)
class Asked:
    """What the store gave for ids, and what we have after it was written."""

    given: set[str] = field(default_factory=set)
    said: dict[str, Listed] = field(default_factory=dict)
    ours: dict[str, Held] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
