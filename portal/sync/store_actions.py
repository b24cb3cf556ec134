"""What an owner can do with a store: sync now, cancel, pause, resume, test again, change the frequency."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.foundation.bus import Event
from portal.foundation.errors import PortalError
from portal.foundation.runtime import runtime
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores import service as stores
from portal.stores.connection import StoreConnection, only_polled
from portal.sync import runs
from portal.sync.jobs import request_sync
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("store_actions", __name__)


@route(blueprint, "/stores/<int:connection_id>/sync", roles=OWNER, family="admin", methods=("POST",))
async def sync_now(connection_id: int) -> Response:
    """Ask for a sync now."""

    async def step(scope: Scope, connection: StoreConnection) -> str:
        _, status = await request_sync(scope, org_id=connection.org_id, connection_id=connection.id, trigger="manual")
        return "The sync is under way." if status == "running" else "The sync starts as soon as a worker is free."

    return await _do(connection_id, "store.sync", step)


@route(blueprint, "/stores/<int:connection_id>/cancel", roles=OWNER, family="admin", methods=("POST",))
async def cancel_sync(connection_id: int) -> Response:
    """End the run under way. What it committed stays."""

    async def step(scope: Scope, connection: StoreConnection) -> str:
        ended = await runs.cancel(scope, connection.id)
        return "The sync was stopped. What it brought so far is kept." if ended else "No sync was under way."

    return await _do(connection_id, "store.cancel_sync", step)


@route(blueprint, "/stores/<int:connection_id>/pause", roles=OWNER, family="admin", methods=("POST",))
async def pause_store(connection_id: int) -> Response:
    """No syncs until it is resumed."""

    async def step(scope: Scope, connection: StoreConnection) -> str:
        await stores.pause(scope, connection.id)
        await scope.sql.execute(
            "UPDATE client_api_sync_results SET status = 'cancelled', finished_at = now()"
            " WHERE connection_id = $1 AND status = 'queued'",
            connection.id,
        )
        return "The store is paused. A sync under way ends after its current page."

    return await _do(connection_id, "store.pause", step)


@route(blueprint, "/stores/<int:connection_id>/resume", roles=OWNER, family="admin", methods=("POST",))
async def resume_store(connection_id: int) -> Response:
    """Sync again, starting now."""

    async def step(scope: Scope, connection: StoreConnection) -> str:
        await stores.resume(scope, connection.id)
        await request_sync(scope, org_id=connection.org_id, connection_id=connection.id, trigger="manual")
        return "The store syncs again."

    return await _do(connection_id, "store.resume", step)


@route(blueprint, "/stores/<int:connection_id>/frequency", roles=OWNER, family="admin", methods=("POST",))
async def change_frequency(connection_id: int) -> Response:
    """How often the store is polled."""
    wanted = (await form_values()).get("sync_frequency", "")

    async def step(scope: Scope, connection: StoreConnection) -> str:
        await stores.set_frequency(scope, connection.id, wanted)
        return "The frequency was changed."

    return await _do(connection_id, "store.frequency", step, after={"sync_frequency": wanted})


@route(blueprint, "/stores/<int:connection_id>/test", roles=OWNER, family="test", methods=("POST",))
async def test_again(connection_id: int) -> Response:
    """Test the saved credentials; the findings are on the store's page."""
    rt, who = runtime(), principal()
    onto = "/health" if (await form_values()).get("back") == "health" else ""
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        try:
            values = await stores.credentials(rt, scope, connection)
        except PortalError as error:
            await flash(error.message, "error")
            return _back(connection_id, onto)
    test = await stores.test_credentials(rt, connection.platform, values)
    async with tenant(rt.database, who.org) as scope:
        await stores.record_test(scope, connection_id, test, rt.clock())
        await audited(scope, who, "store.test", connection.name, after={"status": test.status})
    if test.success:
        await register_webhooks(rt, who.org, connection_id)
    word = "The store answered; the findings are below." if test.success else "The test failed; the advice is below."
    await flash(word, "success" if test.success else "error")
    return _back(connection_id, onto)


async def _do(
    connection_id: int,
    action: str,
    step: Callable[[Scope, StoreConnection], Awaitable[str]],
    after: dict[str, str] | None = None,
) -> Response:
    """One action: load, act, audit in one transaction; then tell open pages and go back to the store's page."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        told = await step(scope, connection)
        await audited(scope, who, action, connection.name, after=after)
    await rt.bus.publish(Event(org_id=who.org, kind="progress", version=0, payload={"connection_id": connection_id}))
    await flash(told, "success")
    return _back(connection_id)


def _back(connection_id: int, onto: str = "") -> Response:
    return redirect(f"/stores/{connection_id}{onto}", 303)  # type: ignore[return-value]
