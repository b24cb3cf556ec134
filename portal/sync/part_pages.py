"""The form on a store's page that reads chosen streams now, or everything from a day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from quart import Blueprint, Response, flash, redirect, request

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.bus import Event
from portal.foundation.errors import Conflict, Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores import service as stores
from portal.stores.connection import StoreConnection, only_polled
from portal.sync.jobs import request_sync
from portal.sync.status import today_of
from portal.tenancy.scope import tenant

blueprint = Blueprint("sync_part", __name__)
_FIELD = "stream-"


@route(blueprint, "/stores/<int:connection_id>/read-again", roles=OWNER, family="admin", methods=("POST",))
async def read_again(connection_id: int) -> Response:
    """Ask for a run of the chosen streams, from a day on when one is given. With HTMX errors appear in place."""
    rt, who = runtime(), principal()
    form = await form_values()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        today = await today_of(scope)
    try:
        async with tenant(rt.database, who.org) as scope:
            streams = [name.removeprefix(_FIELD) for name in form if name.startswith(_FIELD)]
            row, status = await request_sync(
                scope,
                org_id=who.org,
                connection_id=connection_id,
                trigger="manual",
                streams=streams,
                since=_day(form.get("since", "")),
            )
            given = {"streams": ", ".join(streams)} | ({"since": form["since"]} if form.get("since") else {})
            await audited(scope, who, "store.read_again", connection.name, after=given | {"run": str(row)})
    except (Invalid, Conflict) as error:
        wrong = dict(error.details.get("fields", {})) or {"streams": _told(error)}
        return await _form(connection, today, form, wrong, status=error.status)
    await rt.bus.publish(Event(org_id=who.org, kind="progress", version=0, payload={"connection_id": connection_id}))
    told = "It is under way already." if status == "running" else "It starts as soon as a worker is free."
    await flash(told, "success")
    if "HX-Request" in request.headers:  # the whole page: it has a run to stop now
        return Response("", 200, {"HX-Redirect": f"/stores/{connection_id}"})
    return redirect(f"/stores/{connection_id}", 303)  # type: ignore[return-value]


def _day(given: str) -> date | None:
    """The day of the form; None for an empty field. Raises `Invalid`."""
    if not given.strip():
        return None
    try:
        return date.fromisoformat(given.strip())
    except ValueError:
        raise Invalid(
            "Please check what is to be read.",
            {"since": "This is no day. Enter it as year-month-day, such as 2026-01-31."},
        ) from None


def _told(error: Conflict | Invalid) -> str:
    return f"{error.message} {error.details.get('advice', '')}".strip()


async def _form(
    connection: StoreConnection,
    today: date,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    status: int,
) -> Response:
    return await page(
        "stores/read_again.html",
        partial="stores/_read_again.html",
        status=status,
        store=connection,
        manifest=manifest_of(connection.platform),
        today=today,
        values=values,
        errors=errors,
    )
