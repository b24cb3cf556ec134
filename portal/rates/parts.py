"""What an open page of currencies is pushed while a worker recalculates. The same for every role."""

from __future__ import annotations

from collections.abc import Sequence

from quart import render_template

from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.foundation.web.parts import Part
from portal.rates import recalculations
from portal.tenancy.scope import tenant


async def render_recalculation(rt: Runtime, event: Event) -> Sequence[tuple[str, str]]:
    """The recalculation under way; when it has ended, the way to the page that shows what it made."""
    if "rates" not in event.payload:
        return []
    async with tenant(rt.database, event.org_id, read_only=True) as scope:
        work = await recalculations.newest(scope)
    if work is None:
        return []
    html = await render_template("rates/_recalculation.html", work=work, now=rt.clock(), pushed=True)
    return [("rates-recalculation", html)]


PARTS = (Part(kinds=frozenset({"progress"}), render=render_recalculation),)
