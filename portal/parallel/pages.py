"""The comparison of two sources, and who of them counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.foundation.bus import Event
from portal.foundation.errors import Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.csv import csv_text
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.foundation.web.requests import form_values, parse_query
from portal.parallel import parity, switching
from portal.parallel.view import CSV_COLUMNS, compared, offer
from portal.stores.connection import StoreConnection, load
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("parallel", __name__)

_ID = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Pageful = Annotated[int, Meta(ge=1, le=1000)]


class ParityQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`against`: the source to compare with; `span`: the last days of those both have; `after`, `page`: further rows."""

    against: _ID | None = None
    show: Literal["days", "skus", "orders"] = "days"
    span: Literal["30", "92", "all"] = "92"
    after: Annotated[str, Meta(max_length=300)] | None = None
    page: Pageful = 1

    @property
    def days(self) -> int | None:
        return None if self.span == "all" else int(self.span)


@route(blueprint, "/stores/<int:connection_id>/parity", roles=DASHBOARD, family="page")
async def parity_page(connection_id: int) -> Response:
    """How even the store is with the source it is to replace, or has replaced."""
    return await _show(connection_id, parse_query(ParityQuery))


@route(blueprint, "/stores/<int:connection_id>/parity.csv", roles=DASHBOARD, family="export")
async def parity_csv(connection_id: int) -> Response:
    """All rows of one comparison. Streamed: it may have as many as there are orders."""
    query = parse_query(ParityQuery)
    database, org_id = runtime().database, principal().org  # the rows are sent when the request's context is gone
    async with tenant(database, org_id, read_only=True) as scope:
        found = await compared(scope, await load(scope, connection_id), query.against, query.days)
    columns = CSV_COLUMNS[query.show]

    async def lines() -> AsyncIterator[bytes]:
        yield csv_text(columns, ()).encode()
        if found.span is None:
            return
        async with tenant(database, org_id, read_only=True) as scope:
            async for row in parity.stream(scope, query.show, found.span):
                yield _line(row, columns)

    response = Response(lines(), 200, {"Content-Type": "text/csv; charset=utf-8; header=present"})
    response.headers["Content-Disposition"] = f'attachment; filename="parity-{query.show}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    response.timeout = None  # as long as the rows take
    return response


@route(blueprint, "/stores/<int:connection_id>/shadow", roles=OWNER, family="admin", methods=("POST",))
async def shadow(connection_id: int) -> Response:
    """Into shadow, or out of it beside the others."""
    form = await form_values()
    into = form.get("shadow") == "1"

    async def step(scope: Scope, store: StoreConnection) -> tuple[int, str]:
        version = await switching.set_shadow(scope, store.id, shadow=into, seen=form.get("seen", ""))
        told = "does not count now; compare it here." if into else "counts now, beside the others."
        return version, f"{store.name} {told}"

    return await _do(connection_id, "store.shadow", step, after={"shadow": into})


@route(blueprint, "/stores/<int:connection_id>/switch", roles=OWNER, family="admin", methods=("POST",))
async def switch(connection_id: int) -> Response:
    """Let the store count in place of another source, from a day on or entirely."""
    form = await form_values()
    try:
        old = int(form.get("against", ""))
        day = date.fromisoformat(form.get("day", "")) if form.get("how") != "entirely" else None
    except ValueError:
        return await _show(connection_id, ParityQuery(), errors={"day": "Choose a day."}, form=form, status=422)

    async def step(scope: Scope, store: StoreConnection) -> tuple[int, str]:
        version = await switching.switch(
            scope, new_id=store.id, old_id=old, day=day, seen=form.get("seen", ""), by=_who()
        )
        return version, f"{store.name} counts now" + (f" from {day:%-d %B %Y} on." if day else ", for all days.")

    after = {"instead_of": old, "from": day.isoformat() if day else "the beginning"}
    try:
        return await _do(connection_id, "store.switch", step, after=after)
    except Invalid as error:
        return await _show(connection_id, ParityQuery(against=old), errors=error.fields, form=form, status=422)


@route(blueprint, "/stores/<int:connection_id>/switch-back", roles=OWNER, family="admin", methods=("POST",))
async def switch_back(connection_id: int) -> Response:
    """Both count again what they did before the switch."""
    wanted = (await form_values()).get("switch", "")

    async def step(scope: Scope, store: StoreConnection) -> tuple[int, str]:
        known = {str(each.id): each for each in await switching.history(scope, store.id)}
        number = known[wanted].id if wanted in known else 0
        return await switching.switch_back(scope, switch_id=number, by=_who()), "Both sources count again as before."

    return await _do(connection_id, "store.switch_back", step, after={"switch": wanted})


async def _do(
    connection_id: int,
    action: str,
    step: Callable[[Scope, StoreConnection], Awaitable[tuple[int, str]]],
    after: dict[str, Any],
) -> Response:
    """One decision and its audit in one transaction; then every open dashboard is told."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org) as scope:
        store = await load(scope, connection_id)
        version, told = await step(scope, store)
        await audited(scope, who, action, store.name, after=after)
    await rt.bus.publish(Event(who.org, "data", version, {"kinds": ["orders", "refunds", "products"]}))
    await rt.bus.publish(Event(who.org, "progress", 0, {"connection_id": connection_id}))
    await flash(told, "success")
    return redirect(f"/stores/{connection_id}/parity", 303)  # type: ignore[return-value]


async def _show(
    connection_id: int,
    query: ParityQuery,
    *,
    errors: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        store = await load(scope, connection_id)
        found = await compared(scope, store, query.against, query.days)
        context = await offer(scope, found, query)
    return await page(
        "parallel/parity.html",
        status=status,
        store=store,
        found=found,
        query=query,
        errors=errors or {},
        form=form or {},
        can_manage=principal().role in OWNER,
        **context,
    )


def _who() -> str:
    who = principal()
    return who.name or who.email


def _line(row: Any, columns: tuple[str, ...]) -> bytes:
    return csv_text(columns, ([row[name] for name in columns],)).partition("\r\n")[2].encode()
