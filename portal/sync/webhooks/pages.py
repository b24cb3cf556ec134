"""Testing a store's webhooks, and switching them on again, from its health page."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from quart import Blueprint, Response, flash, redirect, request

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.stores import service as stores
from portal.stores.connection import SYNCED, StoreConnection, only_polled
from portal.sync.health_pages import LOOK_AFTER, webhook_context
from portal.sync.webhooks.findings import Registration
from portal.sync.webhooks.registration import last_registration, register_webhooks
from portal.tenancy.scope import tenant

blueprint = Blueprint("webhook_care", __name__)
LONGEST = 60.0


@route(blueprint, "/stores/<int:connection_id>/webhooks/test", roles=OWNER, family="test", methods=("POST",))
async def test_webhooks(connection_id: int) -> Response:
    """Try the public address, and compare the registration; what is missing is registered."""
    outcome = await _look(connection_id, "store.test_webhooks", forced=False)
    if outcome is None:
        await flash("The test took too long; what was found is below.", "error")
    else:
        await flash("The webhooks were tested; the findings are below.", "success")
    return _back(connection_id)


@route(blueprint, "/stores/<int:connection_id>/webhooks/on", roles=OWNER, family="test", methods=("POST",))
async def switch_on(connection_id: int) -> Response:
    """Switch on every webhook that is off, paused ones too: a person asks for it."""
    outcome = await _look(connection_id, "store.webhooks_on", forced=True)
    if outcome is None:
        await flash("The store took too long to answer. Try again.", "error")
    elif outcome.state == "registered":
        await flash("The webhooks are on.", "success")
    else:
        await flash(outcome.detail, "error")
    return _back(connection_id)


@route(blueprint, "/stores/<int:connection_id>/webhooks", roles=OWNER, family="test")
async def webhooks_card(connection_id: int) -> Response:
    """The card of the health page after a fresh look, which the page asks for when the last one is old."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
    if "HX-Request" not in request.headers:
        return _back(connection_id)  # a card is no page
    last = last_registration(connection)
    if connection.status in SYNCED and (last is None or rt.clock() - last.at > LOOK_AFTER):
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                await register_webhooks(rt, who.org, connection_id, anew=False)
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        context = await webhook_context(rt, scope, connection)
    return await page("stores/_webhooks.html", store=connection, can_manage=True, fresh=True, **context)


async def _look(connection_id: int, action: str, *, forced: bool) -> Registration | None:
    """Look after the webhooks for a person; audited. None when it took too long."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection: StoreConnection = only_polled(await stores.load(scope, connection_id))
    outcome = None
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            outcome = await register_webhooks(rt, who.org, connection_id, forced=forced, tested=True)
    async with tenant(rt.database, who.org) as scope:
        after = {"state": outcome.state if outcome is not None else "timeout"}
        await audited(scope, who, action, connection.name, after=after)
    return outcome


def _back(connection_id: int) -> Response:
    return redirect(f"/stores/{connection_id}/health#webhooks", 303)  # type: ignore[return-value]
