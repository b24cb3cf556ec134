"""Removing a store: a page that says what goes and wants its name typed, and the request that begins it."""

from __future__ import annotations

from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.bus import Event
from portal.foundation.errors import Conflict
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores.connection import load
from portal.sync.removal import removing
from portal.tenancy.scope import tenant

blueprint = Blueprint("removal", __name__)


@route(blueprint, "/stores/<int:connection_id>/remove", roles=OWNER, family="page")
async def removal_form(connection_id: int) -> Response:
    """What goes with the store, and the field for its name."""
    return await _show(connection_id)


@route(
    blueprint,
    "/stores/<int:connection_id>/remove",
    roles=OWNER,
    family="admin",
    methods=("POST",),
    endpoint="remove_store",
)
async def remove_store(connection_id: int) -> Response:
    """Hide the store and stop counting it; the worker takes its rows away."""
    rt, who = runtime(), principal()
    typed = " ".join((await form_values()).get("name", "").split())
    try:
        async with tenant(rt.database, who.org) as scope:
            connection = await load(scope, connection_id)
            if typed != " ".join(connection.name.split()):
                error = (
                    "This is not its name. Type it exactly, with capitals." if typed else "Type the name of the store."
                )
                return await _show(connection_id, error, status=422)
            going = await removing.going(scope, connection)
            version = await removing.begin(scope, connection, by=who.name or who.email)
            await audited(
                scope,
                who,
                "store.remove",
                connection.name,
                before={
                    "platform": connection.platform,
                    "orders": going.orders,
                    "counted_orders": going.counted,
                    "counted_revenue": f"{going.revenue:.2f} {going.currency}",
                    "days_go_to": going.heir or "nobody",
                },
            )
    except Conflict as error:
        advice = str(error.details.get("advice", ""))
        return await _show(connection_id, f"{error.message} {advice}".strip(), status=error.status)
    await rt.bus.publish(Event(who.org, "data", version, {"kinds": ["orders", "refunds", "products"]}))
    await rt.bus.publish(Event(who.org, "progress", 0, {"removal": True}))
    await flash(f"{connection.name} is removed: it counts no more. Its rows are being deleted.", "success")
    return redirect("/stores", 303)  # type: ignore[return-value]


async def _show(connection_id: int, error: str = "", *, status: int = 200) -> Response:
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        connection = await load(scope, connection_id)
        going = await removing.going(scope, connection)
    return await page(
        "stores/remove.html",
        status=status,
        store=connection,
        manifest=manifest_of(connection.platform),
        going=going,
        error=error,
    )
