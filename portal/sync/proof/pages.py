"""The proof of a store: our count against its own, stream by stream and day by day, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quart import Blueprint, Response, flash, redirect, render_template

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.bus import Event
from portal.foundation.errors import ConnectorError, Invalid, Missing, PortalError
from portal.foundation.runtime import Runtime, runtime
from portal.foundation.web.answers import page
from portal.foundation.web.parts import Part
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores import service as stores
from portal.stores.connection import StoreConnection, only_polled
from portal.sync.jobs import request_sync
from portal.sync.proof import glances, outcomes
from portal.sync.proof.comparing import TABLES
from portal.sync.proof.healing import heal
from portal.sync.proof.reconcile import tell
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("proof", __name__)
WORDS = {
    "even": ("good", "Reconciled"),
    "healed": ("good", "Reconciled, healed"),
    "different": ("warn", "Not even"),
    "unknown": ("neutral", "Could not be compared"),
}
LISTS = {
    "missing": ("Missing here", "The store lists these and they are not here."),
    "extra": ("Gone there", "These are here and the store does not know them any more."),
    "different": ("Not the same", "Both sides have these, with another status, total or date."),
}


@route(blueprint, "/stores/<int:connection_id>/proof", roles=DASHBOARD, family="page")
async def proof_page(connection_id: int) -> Response:
    """Every stream's last comparison, the last 60 days of orders, and the lists of differences."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        seq = await scope.sql.fetchval("SELECT version FROM tenant_versions") or 0
        context = await shown(scope, connection)
    manifest = manifest_of(connection.platform)
    return await page(
        "sync/proof.html",
        partial="sync/_differences.html",
        **context,
        manifest=manifest,
        says={"orders": "the last 60 days, every order outside the trash, gross, in its own currency"},
        lists=LISTS,
        can_manage=who.role in OWNER and manifest.polled,
        live_seq=seq,
    )


async def shown(scope: Scope, connection: StoreConnection) -> dict[str, Any]:
    """What the table of comparisons draws."""
    found = await outcomes.latest(scope, connection.id)
    labels = {each.name: each.label for each in manifest_of(connection.platform).streams if each.name in TABLES}
    labels |= {name: name.capitalize() for name in found if name not in labels}  # compared beside another stream
    return {
        "store": connection,
        "streams": [(name, label, found.get(name)) for name, label in labels.items()],
        "orders": found.get("orders"),
        "glances": await glances.seen(scope, connection.id),
        "words": WORDS,
    }


async def render_proof(rt: Runtime, event: Event) -> Sequence[tuple[str, str]]:
    """For the open pages of the store whose comparison ended: its table, and word that the lists are others now."""
    connection_id = event.payload.get("connection_id")
    if not isinstance(connection_id, int):
        return []
    async with tenant(rt.database, event.org_id, read_only=True) as scope:
        try:
            context = await shown(scope, await stores.load(scope, connection_id))
        except Missing:
            return []
    return [
        (f"store-proof-{connection_id}", await render_template("sync/_proof.html", **context, now=rt.clock())),
        (f"store-reconciled-{connection_id}", await render_template("sync/_reconciled.html", **context)),
        (f"store-proof-news-{connection_id}", await render_template("sync/_news.html", **context)),
    ]


PARTS = (Part(kinds=frozenset({"proof"}), render=render_proof),)


@route(blueprint, "/stores/<int:connection_id>/proof/reconcile", roles=OWNER, family="admin", methods=("POST",))
async def reconcile_now(connection_id: int) -> Response:
    """Sync and compare every stream now."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        _, status = await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="manual")
        await outcomes.compare_next_time(scope, connection_id)
        await audited(scope, who, "store.reconcile", connection.name)
    waits = "A sync is under way; everything is compared after it."
    await flash(waits if status == "running" else "The comparison starts as soon as a worker is free.", "success")
    return _back(connection_id)


@route(blueprint, "/stores/<int:connection_id>/proof/heal", roles=OWNER, family="test", methods=("POST",))
async def heal_now(connection_id: int) -> Response:
    """Ask the store for the listed rows of one stream and write its answer."""
    rt, who = runtime(), principal()
    stream = (await form_values()).get("stream", "")
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
    if stream not in TABLES:
        raise Invalid("Choose what to heal.", {"stream": f"must be one of: {', '.join(TABLES)}"})
    try:
        done = await heal(rt, who.org, connection_id, stream)
    except Missing:
        raise
    except PortalError as error:
        advice = f" {error.advice}" if isinstance(error, ConnectorError) else ""
        await flash(f"{error.message}{advice}", "error")
        return _back(connection_id)
    async with tenant(rt.database, who.org) as scope:
        after = {"stream": stream, "asked": str(done.asked), "healed": str(done.healed)}
        await audited(scope, who, "store.heal", connection.name, after=after)
    await tell(rt, who.org, connection_id)
    told = f"{done.healed} of {done.asked} rows are now as the store says."
    await flash(told, "success" if done.healed == done.asked else "error")
    return _back(connection_id)


def _back(connection_id: int) -> Response:
    return redirect(f"/stores/{connection_id}/proof", 303)  # type: ignore[return-value]
