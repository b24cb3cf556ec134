"""The forms that connect a store and that give it other credentials. Both test first; a failed test changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.connectors.registry import manifests
from portal.foundation.errors import Conflict, Invalid
from portal.foundation.runtime import runtime
from portal.foundation.vault import Unsealable, mask
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values, parse_query
from portal.stores import service as stores
from portal.stores.connection import FREQUENCIES, StoreConnection, only_polled
from portal.stores.offered import platform_help
from portal.stores.sealed import split
from portal.sync.jobs import request_sync
from portal.sync.registration import register_webhooks
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("connecting", __name__)


@route(blueprint, "/stores/<int:connection_id>/credentials", roles=OWNER, family="page")
async def credentials_form(connection_id: int) -> Response:
    """The saved credentials, secrets masked."""
    connection, saved = await _saved(connection_id)
    return await _show(connection, saved, {}, None)


@route(
    blueprint,
    "/stores/<int:connection_id>/credentials",
    roles=OWNER,
    family="test",
    methods=("POST",),
    endpoint="replace_credentials",
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
        if connection.status in {"active", "error"}:
            await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="manual")
        await audited(
            scope,
            who,
            "store.credentials",
            connection.name,
            before=_masked(connection.platform, saved),
            after=_masked(connection.platform, values),
        )
    await register_webhooks(rt, who.org, connection_id)
    await flash("The new credentials work and are saved.", "success")
    return redirect(f"/stores/{connection_id}", 303)  # type: ignore[return-value]


class NewStoreQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`platform_type` chooses whose fields are shown."""

    platform_type: Annotated[str, Meta(max_length=40)] = ""


@route(blueprint, "/stores/new", roles=OWNER, family="page")
async def new_store_form() -> Response:
    """Connect a store: the fields of a platform."""
    asked = parse_query(NewStoreQuery).platform_type or manifests()[0].platform
    return await _show_new({"platform_type": manifest_of(asked).platform}, {}, None, first=True)


@route(blueprint, "/stores/new", roles=OWNER, family="test", methods=("POST",), endpoint="create_store")
async def new_store_save() -> Response:
    """Test, save, and start the first sync."""
    rt, who = runtime(), principal()
    form = await form_values()
    wrong = {}
    if form.get("platform_type") not in {each.platform for each in manifests()}:
        form["platform_type"], wrong["platform_type"] = manifests()[0].platform, "Choose one of the platforms."
    if not 1 <= len(form.get("connection_name", "").strip()) <= 100:
        wrong["connection_name"] = "The connection's name must have 1 to 100 characters."
    if form.get("sync_frequency") not in FREQUENCIES:
        wrong["sync_frequency"] = f"Choose one of: {', '.join(FREQUENCIES)}."
    kind = form["platform_type"]
    values: dict[str, str] = {}
    try:
        values = stores.validate_credentials(kind, stores.from_form(kind, form))
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        return await _show_new(form, wrong, None, status=422)
    test = await stores.test_credentials(rt, kind, values)
    if not test.success:
        return await _show_new(form, {}, test, status=422)
    try:
        async with tenant(rt.database, who.org) as scope:
            connection_id = await stores.create_connection(
                rt,
                scope,
                org_id=who.org,
                platform=kind,
                name=form["connection_name"],
                credentials=values,
                frequency=form["sync_frequency"],
                created_by=who.user_id,
                shadow=form.get("shadow") == "1" and await _others(scope),
            )
            await stores.record_test(scope, connection_id, test, rt.clock())
            await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="first")
            await audited(scope, who, "store.connect", form["connection_name"], after=_masked(kind, values))
    except Conflict as error:
        return await _show_new(form, {"connection_name": error.message}, test, status=409)
    return redirect(f"/stores/{connection_id}", 303)  # type: ignore[return-value]


async def _others(scope: Scope) -> bool:
    """Whether the organization has a source that counts: then a new one may stay in shadow beside it."""
    return any(not each.shadow for each in await stores.list_connections(scope))


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
        test=test,
        permission_labels={each.name: each.label for each in declared.permissions},
    )


async def _show_new(
    form: Mapping[str, str],
    errors: Mapping[str, str],
    test: ConnectionTest | None,
    *,
    first: bool = False,
    status: int = 200,
) -> Response:
    declared = manifest_of(form["platform_type"])
    secret = {field.name for field in declared.fields if field.secret}
    values: dict[str, Any] = {name: value for name, value in form.items() if name not in secret}
    if not first:
        values = {**values, **{k: v for k, v in stores.from_form(declared.platform, form).items() if k not in secret}}
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        others = await _others(scope)
    return await page(
        "stores/new.html",
        status=status,
        platform_help=await platform_help(runtime(), declared.platform),
        manifest=declared,
        manifests=manifests(),
        values=values,
        masked={},
        errors=errors,
        others=others,
        test=test,
        frequencies=[(name, word) for name, (_, word) in FREQUENCIES.items()],
        permission_labels={each.name: each.label for each in declared.permissions},
    )


def _harmless(connection: StoreConnection, values: Mapping[str, str]) -> dict[str, str]:
    """What was typed, without secrets: those never come back to the browser."""
    return split(connection.platform, values)[0]


def _masked(platform_type: str, values: Mapping[str, str]) -> dict[str, str]:
    settings, secrets = split(platform_type, values)
    return {**settings, **{name: mask(value) for name, value in secrets.items()}}
