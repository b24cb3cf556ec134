"""What a store's open page is pushed: its progress, its state and its history."""

from __future__ import annotations

from collections.abc import Sequence

from quart import render_template

from portal.foundation.bus import Event
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.foundation.web.parts import Part
from portal.stores.connection import load
from portal.sync.removal.removing import recent
from portal.sync.status import chip, current, estimate_of, runs_of
from portal.tenancy.scope import tenant


async def render_progress(rt: Runtime, event: Event) -> Sequence[tuple[str, str]]:
    """The parts of the store that `event` is about. They are the same for every role: no button, no token in them."""
    connection_id = event.payload.get("connection_id")
    if not isinstance(connection_id, int):
        return []
    async with tenant(rt.database, event.org_id, read_only=True) as scope:
        try:
            connection = await load(scope, connection_id)
        except Missing:
            return []
        runs = await runs_of(scope, connection)
        estimate = await estimate_of(scope, connection)
    latest = current(runs)
    context = {
        "store": connection,
        "latest": latest,
        "runs": runs,
        "chip": chip(connection, latest),
        "estimate": estimate,
        "now": rt.clock(),
    }
    return [
        (f"store-{part}-{connection_id}", await render_template(f"sync/_{part}.html", **context))
        for part in ("progress", "state", "history")
    ]


async def render_removals(rt: Runtime, event: Event) -> Sequence[tuple[str, str]]:
    """The list of stores that are being removed, and their rows in the list of stores, when `event` is about it."""
    if not event.payload.get("removal"):
        return []
    async with tenant(rt.database, event.org_id, read_only=True) as scope:
        removals = await recent(scope)
    rows = [f"store-row-{each.connection_id}" for each in removals]
    return [
        ("store-removals", await render_template("sync/_removals.html", removals=removals, now=rt.clock())),
        *((row, f'<tr id="{row}" hidden></tr>') for row in rows),  # a part is put in place of another, never taken away
    ]


PARTS = (
    Part(kinds=frozenset({"progress"}), render=render_progress),
    Part(kinds=frozenset({"progress"}), render=render_removals),
)
