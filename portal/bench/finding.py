"""What a benchmark found: ours beside the floor, their ratio, the bar, and how it was measured."""

from __future__ import annotations

import os
from datetime import datetime
from statistics import median
from typing import Any, Literal

import msgspec


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine was doing: `load` is the run queue's average over one, five and fifteen minutes."""

    cores: int
    load: tuple[float, float, float]
    nice: int

    @classmethod
    def now(cls) -> Machine:
        return cls(cores=os.cpu_count() or 1, load=os.getloadavg(), nice=os.nice(0))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. `ours` and `floor` are medians of the rounds in `unit`; `ratio` is ours over floor.

    `bound` says which way is good: `at_most` the bar (times, sizes) or `at_least` (speeds). Without a `bar` the line only
    informs. `ours_rounds` and `floor_rounds` are every round's value, in order.
    """

    bench: str
    case: str
    unit: str
    ours: float
    floor: float | None = None
    ratio: float | None = None
    bar: float | None = None
    bound: Literal["at_most", "at_least"] = "at_most"
    sample: str = ""
    note: str = ""
    ours_rounds: list[float] = []
    floor_rounds: list[float] = []
    machine: Machine = msgspec.field(default_factory=Machine.now)

    @property
    def reached(self) -> bool | None:
        """Whether the bar was reached; None without a bar."""
        if self.bar is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return value <= self.bar if self.bound == "at_most" else value >= self.bar


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run, as `--json` writes it."""

    at: datetime
    quick: bool
    python: str
    findings: list[Finding]
    failed: dict[str, str]
    profiles: dict[str, list[str]] = {}


def beside(bench: str, case: str, unit: str, ours: list[float], floor: list[float], **more: Any) -> Finding:
    """A finding of interleaved rounds: the ratio is that of the medians."""
    return Finding(
        bench=bench,
        case=case,
        unit=unit,
        ours=median(ours),
        floor=median(floor),
        ratio=median(ours) / median(floor),
        ours_rounds=ours,
        floor_rounds=floor,
        **more,
    )


def line(found: Finding) -> str:
    """The finding as people read it."""
    text = f"  {found.case:<34} {_number(found.ours):>10} {found.unit}"
    if found.floor is not None:
        text += f"   floor {_number(found.floor):>9}"
    if found.ratio is not None:
        text += f"   ratio {found.ratio:6.2f}x"
    if found.bar is not None:
        sign, suffix = (
            ("<=" if found.bound == "at_most" else ">="),
            "x" if found.ratio is not None else f" {found.unit}",
        )
        text += f"   bar {sign} {found.bar:g}{suffix}: {'reached' if found.reached else 'MISSED'}"
    load = " ".join(f"{value:.1f}" for value in found.machine.load)
    below = [part for part in (found.sample, found.note, f"load {load} on {found.machine.cores} cores") if part]
    return text + "\n" + " " * 37 + "; ".join(below)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"
