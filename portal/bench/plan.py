"""What every benchmark is given: sizes, the scratch installation, and where findings go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.bench.child import Child
from portal.bench.finding import Finding
from portal.foundation.settings import Settings


@dataclass(kw_only=True)
class Plan:
    """`settings` are those of the scratch installation (the portal's own unprivileged login); `admin_url` its superuser's.
    `full` asks for the sizes that take long."""

    quick: bool
    full: bool = False
    profile: bool
    settings: Settings
    admin_url: str
    folder: Path
    say: Callable[[str], None]
    findings: list[Finding] = field(default_factory=list)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)

    def size(self, full: int, quick: int) -> int:
        """One of two sizes."""
        return quick if self.quick else full

    def found(self, finding: Finding) -> None:
        """Keep and print a finding."""
        from portal.bench.finding import line

        self.findings.append(finding)
        self.say(line(finding))

    async def child(self, role: str, **setup: Any) -> Child:
        """Start another process of the bench; it ends with the benchmark."""
        started = await Child.start(role, setup, self.folder / "logs" / f"{role}-{len(self.children)}.log")
        self.children.append(started)
        return started

    async def dismiss(self) -> None:
        """End the processes of this benchmark."""
        await asyncio.gather(*(child.stop() for child in self.children))
        self.children.clear()

    def keep_profile(self, name: str, lines: list[str]) -> None:
        """Keep and print where a process spent its time."""
        self.profiles[name] = lines
        self.say(f"  profile of {name} (cumulative seconds are inflated by profiling itself)")
        for text in lines:
            self.say(f"    {text}")
