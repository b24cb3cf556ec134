"""The form that gives a store other credentials. It tests first; a failed test changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Invalid, TooMany
from portal.foundation.runtime import runtime
from portal.foundation.vault import Unsealable, mask
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.connection import SYNCED, StoreConnection, only_polled
from portal.stores.offered import platform_help
from portal.stores.sealed import split
from portal.sync.jobs import request_sync
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("connecting", __name__)


@route(blueprint, "/stores/<int:connection_id>/credentials", roles=OWNER, family="page")
async def credentials_form(connection_id: int) -> Response:
    """The saved credentials, secrets masked."""
    connection, saved = await _saved(connection_id)
    return await _show(connection, saved, {}, None)


async def _too_many_credentials(error: TooMany, connection_id: int) -> Response:
    """The limit is told in the form, which keeps what was typed."""
    connection, saved = await _saved(connection_id)
    given = stores.from_form(connection.platform, await form_values())
    return await _show(connection, {**saved, **_harmless(connection, given)}, {}, None, message=error.message)


@route(
    blueprint,
    "/stores/<int:connection_id>/credentials",
    roles=OWNER,
    family="test",
    methods=("POST",),
    endpoint="replace_credentials",
    too_many=_too_many_credentials,
)
async def credentials_save(connection_id: int) -> Response:
    """Test what was entered; keep it only when the store accepts it, else the old ones stay in use."""
    rt, who = runtime(), principal()
    connection, saved = await _saved(connection_id)
    given = stores.from_form(connection.platform, await form_values())
    try:
        values = stores.validate_credentials(connection.platform, given, existing=saved)
    except Invalid as error:
        return await _show(connection, {**saved, **_harmless(connection, given)}, error.fields, None, status=422)
    test = await stores.test_credentials(rt, connection.platform, values)
    if not test.success:
        return await _show(connection, {**saved, **_harmless(connection, values)}, {}, test, status=422)
    async with tenant(rt.database, who.org) as scope:
        await stores.replace_credentials(rt, scope, connection, values)
        await stores.record_test(scope, connection_id, test, rt.clock())
        # As it is now: it may have been paused while the store was asked.
        if (await stores.load(scope, connection_id)).status in SYNCED:
            await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="manual")
        await audited(
            scope,
            who,
            "store.credentials",
            connection.name,
            before=masked(connection.platform, saved),
            after=masked(connection.platform, values),
        )
    await register_webhooks(rt, who.org, connection_id)
    await flash("The new credentials work and are saved.", "success")
    return redirect(f"/stores/{connection_id}", 303)  # type: ignore[return-value]


async def _saved(connection_id: int) -> tuple[StoreConnection, dict[str, str]]:
    """The connection and its credentials in clear; without secrets when those cannot be opened any more."""
    rt = runtime()
    async with tenant(rt.database, principal().org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        return connection, await _opened(scope, connection)


async def _opened(scope: Scope, connection: StoreConnection) -> dict[str, str]:
    try:
        return await stores.credentials(runtime(), scope, connection)
    except Unsealable:
        return dict(connection.settings)  # the form then asks for the secrets again


async def _show(
    connection: StoreConnection,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    test: ConnectionTest | None,
    *,
    message: str = "",
    status: int = 200,
) -> Response:
    declared = manifest_of(connection.platform)
    secret = {field.name for field in declared.fields if field.secret}
    return await page(
        "stores/credentials.html",
        status=status,
        platform_help=await platform_help(runtime(), connection.platform),
        store=connection,
        manifest=declared,
        values={name: value for name, value in values.items() if name not in secret},
        masked={name: mask(value) for name, value in values.items() if name in secret},
        errors=errors,
        message=message,
        test=test,
        permissions=checks.permissions(declared, test),
    )


def _harmless(connection: StoreConnection, values: Mapping[str, str]) -> dict[str, str]:
    """What was typed, without secrets: those never come back to the browser."""
    return split(connection.platform, values)[0]


def masked(platform_type: str, values: Mapping[str, str]) -> dict[str, str]:
    settings, secrets = split(platform_type, values)
    return {**settings, **{name: mask(value) for name, value in secrets.items()}}
