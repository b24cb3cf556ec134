"""How long a first sync takes, said before it starts: the connector's reckoning at the rate in force, in words."""

from __future__ import annotations

import msgspec

from portal.connectors.findings import ConnectionTest, Step
from portal.connectors.registry import estimates, manifest
from portal.foundation.runtime import Runtime
from portal.stores.budgets import rate_of
from portal.tenancy.scope import Scope, platform


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an estimate, as it is shown."""

    label: str
    least: str
    why: str


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a platform's first sync, one after the other."""

    platform: str
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """The least that is known to pass: what is unknown comes on top."""
        return sum(each.seconds or 0 for each in self.steps)

    @property
    def partly(self) -> bool:
        """Whether a part of it cannot be told."""
        return any(each.seconds is None for each in self.steps)

    @property
    def lines(self) -> list[Line]:
        """Each part in words, under the stream's own label."""
        labels = {each.name: each.label for each in manifest(self.platform).streams}
        return [
            Line(
                label=labels.get(each.stream, each.stream.capitalize()),
                least="unknown" if each.seconds is None else duration(each.seconds),
                why=each.why,
            )
            for each in self.steps
        ]

    @property
    def headline(self) -> str:
        """ "about 35 min", "at least 11 min", "about 7 min, up to 2 h 20 min with a slow store", "unknown, because …"."""
        if blind := [each for each in self.steps if each.seconds is None and each.because]:
            return self._blind(blind)
        if all(each.seconds is None for each in self.steps):
            return "unknown"
        slow = sum(each.slow if each.slow is not None else each.seconds or 0 for each in self.steps)
        least = f"{'at least' if self.partly and self.seconds >= 60 else 'about'} {duration(self.seconds)}"
        if self.seconds < 60:
            least = duration(self.seconds)
        return f"{least}, up to {duration(slow)} with a slow store" if slow >= max(120, 2 * self.seconds) else least

    def _blind(self, blind: list[Step]) -> str:
        """Why it cannot be told, and what is known all the same: never a small number that is only of the other parts."""
        least = f"at least {duration(self.seconds)}" if self.seconds >= 60 else "unknown"
        known = ", ".join(f"{each.rows:,} {each.stream}" for each in blind if each.rows is not None)
        paged = sum(each.otherwise or 0 for each in blind)
        return (
            f"{least}. {blind[0].because}"
            + (f". To read: {known}" if known else "")
            + (f". Page by page, were that refused: at least {duration(paged)}" if paged >= 60 else "")
        )


async def first_sync(scope: Scope, platform_type: str, test: ConnectionTest | None) -> Estimate | None:
    """What the last test's counts and the platform's limits (the agency's, where it set one) come to.

    None for a platform without a reckoning, or where there was no test that answered.
    """
    declared = estimates(platform_type)
    if declared is None or test is None or not test.success:
        return None
    rate = await rate_of(scope, platform_type)
    return Estimate(
        platform=platform_type, steps=tuple(declared.first_sync(test.sample, rate.rate_per_second, rate.burst))
    )


async def estimate_first_sync(rt: Runtime, platform_type: str, test: ConnectionTest | None) -> Estimate | None:
    """The same before there is a connection: of credentials that were just tried."""
    if test is None or not test.success:
        return None
    async with platform(rt.database, "read platform rates", read_only=True) as scope:
        return await first_sync(scope, platform_type, test)


def duration(seconds: float) -> str:
    """ "less than a minute", "35 min", "2 h 20 min", "3 days"."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(round(minutes / 10) * 10, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(minutes / 1440)} days"
