"""Query values of a collection: read, checked and refused the way WordPress does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from portal.sandbox.clock import StoreClock
from portal.sandbox.woocommerce.errors import invalid_params, listed

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}(?::\d{2})?)?", re.ASCII)
_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false", ""})


class Params:
    """The query of one request. Getters collect problems; `check` raises all of them as one 400."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.values: dict[str, str] = {}
        for name, value in pairs:
            plain, bracket, _ = name.partition("[")
            if bracket and plain in self.values:
                self.values[plain] += "," + value
            else:
                self.values[plain] = value
        self.problems: dict[str, tuple[str, str]] = {}

    def check(self) -> None:
        """Raises ApiError (400 rest_invalid_param) when a value read so far did not pass."""
        if self.problems:
            raise invalid_params(self.problems)

    def integer(self, name: str, default: int, low: int | None = None, high: int | None = None) -> int:
        """A whole number between bounds."""
        raw = self.values.get(name)
        if raw is None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,18}", raw.strip(), re.ASCII):
            self.problems[name] = ("rest_invalid_type", f"{name} is not of type integer.")
            return default
        value = int(raw)
        if low is not None and high is not None and not low <= value <= high:
            text = f"{name} must be between {low} (inclusive) and {high} (inclusive)"
            self.problems[name] = ("rest_out_of_bounds", text)
        elif low is not None and value < low:
            self.problems[name] = ("rest_out_of_bounds", f"{name} must be greater than or equal to {low}")
        return value

    def boolean(self, name: str, default: bool = False) -> bool:
        """true, false, 1 or 0."""
        raw = self.values.get(name)
        if raw is None:
            return default
        if raw.lower() not in _TRUE | _FALSE:
            self.problems[name] = ("rest_invalid_type", f"{name} is not of type boolean.")
        return raw.lower() in _TRUE

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed words."""
        value = self.values.get(name, default)
        if value not in allowed:
            self.problems[name] = ("rest_not_in_enum", f"{name} is not one of {listed(allowed)}.")
        return value

    def choices(self, name: str, allowed: tuple[str, ...]) -> list[str]:
        """A list (commas or brackets) of allowed words; empty when the parameter is not there."""
        chosen = [part.strip() for part in self.values.get(name, "").split(",") if part.strip()]
        for place, value in enumerate(chosen):
            if value not in allowed:
                text = f"{name}[{place}] is not one of {listed(allowed)}."
                self.problems[name] = ("rest_not_in_enum", text)
        return chosen

    def ids(self, name: str) -> list[int] | None:
        """A list of ids, None when the parameter is not there or empty."""
        raw = [part.strip() for part in self.values.get(name, "").split(",") if part.strip()]
        if not raw:
            return None
        for place, part in enumerate(raw):
            if not part.lstrip("-").isdecimal():
                self.problems[name] = ("rest_invalid_type", f"{name}[{place}] is not of type integer.")
                return None
        return [int(part) for part in raw]

    def moment(self, name: str, clock: StoreClock, gmt: bool) -> int | None:
        """Epoch seconds of a date-time.

        Naive and `dates_are_gmt`: UTC. Naive without: the site's local time. With a zone and without the flag:
        that instant. With a zone **and** the flag: the platform turns the instant into local time and reads that
        as GMT, so the result is off by the site's offset; the bug is kept.
        """
        raw = self.values.get(name)
        if raw is None:
            return None
        match = _DATE.fullmatch(raw.strip())
        try:
            if match is None:
                raise ValueError(raw)
            day, clock_time, zone = match.groups()
            naive = datetime.fromisoformat(f"{day}T{clock_time}")
            if zone is None:
                return int(naive.replace(tzinfo=UTC).timestamp()) if gmt else clock.from_local(naive)
            instant = int(datetime.fromisoformat(f"{day}T{clock_time}{_full(zone)}").timestamp())
        except (ValueError, OverflowError):
            self.problems[name] = ("rest_invalid_date", "Invalid date.")
            return None
        return instant + clock.offset(instant) if gmt else instant


def _full(zone: str) -> str:
    return "+00:00" if zone == "Z" else zone if ":" in zone else zone + ":00"
