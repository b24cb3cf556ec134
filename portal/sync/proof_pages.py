"""The proof of a store: our count against its own, stream by stream and day by day, and what differs."""

from __future__ import annotations

from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import ConnectorError, Invalid, Missing, PortalError
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores import service as stores
from portal.stores.connection import only_polled
from portal.sync import proof
from portal.sync.comparing import TABLES
from portal.sync.healing import heal
from portal.sync.jobs import request_sync
from portal.tenancy.scope import tenant

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
        found = await proof.latest(scope, connection_id)
    manifest = manifest_of(connection.platform)
    return await page(
        "sync/proof.html",
        store=connection,
        manifest=manifest,
        streams=[(each.name, each.label, found.get(each.name)) for each in manifest.streams if each.name in TABLES],
        orders=found.get("orders"),
        words=WORDS,
        lists=LISTS,
        can_manage=who.role in OWNER and manifest.polled,
    )


@route(blueprint, "/stores/<int:connection_id>/proof/reconcile", roles=OWNER, family="admin", methods=("POST",))
async def reconcile_now(connection_id: int) -> Response:
    """Sync and compare every stream now."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        _, status = await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="manual")
        await proof.compare_next_time(scope, connection_id)
        await audited(scope, who, "store.reconcile", connection.name)
    waits = "A sync is under way; the one after it compares everything again."
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
    told = f"{done.healed} of {done.asked} rows are now as the store says."
    await flash(told, "success" if done.healed == done.asked else "error")
    return _back(connection_id)


def _back(connection_id: int) -> Response:
    return redirect(f"/stores/{connection_id}/proof", 303)  # type: ignore[return-value]
