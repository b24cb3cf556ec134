"""The form that connects a store. It tests first; a failed test saves nothing and loses nothing that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.connectors.registry import manifests
from portal.foundation.errors import Conflict, Invalid, TooMany
from portal.foundation.runtime import runtime
from portal.foundation.vault import mask
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values, parse_query
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.connection import FREQUENCIES
from portal.stores.drafts import open_draft, seal_draft
from portal.stores.offered import platform_help
from portal.sync.connecting import masked
from portal.sync.jobs import request_sync
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("new_store", __name__)


class NewStoreQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`platform_type` chooses whose fields are shown."""

    platform_type: Annotated[str, Meta(max_length=40)] = ""


@route(blueprint, "/stores/new", roles=OWNER, family="page")
async def new_store_form() -> Response:
    """Connect a store: the fields of a platform."""
    asked = parse_query(NewStoreQuery).platform_type or manifests()[0].platform
    return await _show_new({"platform_type": manifest_of(asked).platform}, {}, None, first=True)


async def _too_many_stores(error: TooMany) -> Response:
    """The limit is told in the form, which keeps what was typed."""
    return await _show_new(await _typed(), {}, None, message=error.message)


@route(
    blueprint,
    "/stores/new",
    roles=OWNER,
    family="test",
    methods=("POST",),
    endpoint="create_store",
    too_many=_too_many_stores,
)
async def new_store_save() -> Response:
    """Test, save, and start the first sync."""
    form = await _typed()
    values, wrong = _checked(form)
    if wrong:
        return await _show_new(form, wrong, None, status=422)
    test = await stores.test_credentials(runtime(), form["platform_type"], values)
    if not test.success:
        return await _show_new(form, {}, test, status=422)
    try:
        connection_id = await _connect(form, values, test)
    except Conflict as error:
        return await _show_new(form, {"connection_name": error.message}, test, status=409)
    return redirect(f"/stores/{connection_id}", 303)  # type: ignore[return-value]


async def _typed() -> dict[str, str]:
    """The form's values; secrets that were typed before an error come back from the sealed draft."""
    form = await form_values()
    kept = open_draft(runtime().settings, principal().user_id, _platform(form), form.get("draft", ""))
    return {**form, **{name: value for name, value in kept.items() if not form.get(name)}}


def _platform(form: Mapping[str, str]) -> str:
    """The platform that was chosen; the first where that is none of ours."""
    known = [each.platform for each in manifests()]
    asked = form.get("platform_type", "")
    return asked if asked in known else known[0]


def _checked(form: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(the platform's own fields, complete; what is wrong, by field)."""
    kind = _platform(form)
    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    if form.get("platform_type") != kind:
        wrong["platform_type"] = "Choose one of the platforms."
    if not 1 <= len(form.get("connection_name", "").strip()) <= 100:
        wrong["connection_name"] = "The connection's name must have 1 to 100 characters."
    if form.get("sync_frequency") not in FREQUENCIES:
        wrong["sync_frequency"] = f"Choose one of: {', '.join(FREQUENCIES)}."
    try:
        values = stores.validate_credentials(kind, stores.from_form(kind, form))
    except Invalid as error:
        wrong |= error.fields
    return values, wrong


async def _connect(form: Mapping[str, str], values: Mapping[str, str], test: ConnectionTest) -> int:
    """Save the store with its test and ask for its first sync; its id. Raises `Conflict` when the name is taken."""
    rt, who, kind, name = runtime(), principal(), form["platform_type"], form["connection_name"]
    async with tenant(rt.database, who.org) as scope:
        connection_id = await stores.create_connection(
            rt,
            scope,
            org_id=who.org,
            platform=kind,
            name=name,
            credentials=values,
            frequency=form["sync_frequency"],
            created_by=who.user_id,
            shadow=form.get("shadow") == "1" and await _others(scope),
        )
        await stores.record_test(scope, connection_id, test, rt.clock())
        await request_sync(scope, org_id=who.org, connection_id=connection_id, trigger="first")
        await audited(scope, who, "store.connect", name, after=masked(kind, values))
    return connection_id


async def _others(scope: Scope) -> bool:
    """Whether the organization has a source that counts: then a new one may stay in shadow beside it."""
    return any(not each.shadow for each in await stores.list_connections(scope))


async def _show_new(
    form: Mapping[str, str],
    errors: Mapping[str, str],
    test: ConnectionTest | None,
    *,
    first: bool = False,
    message: str = "",
    status: int = 200,
) -> Response:
    declared = manifest_of(_platform(form))
    secret = {field.name for field in declared.fields if field.secret}
    values: dict[str, Any] = {name: value for name, value in form.items() if name not in secret}
    typed = {name: form[name] for name in secret if form.get(name)}
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
        masked={name: mask(value) for name, value in typed.items()},
        draft=seal_draft(runtime().settings, principal().user_id, declared.platform, typed),
        errors=errors,
        message=message,
        others=others,
        test=test,
        frequencies=[(name, word) for name, (_, word) in FREQUENCIES.items()],
        permissions=checks.permissions(declared, test),
    )
