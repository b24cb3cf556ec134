"""The clients list and the form that brings a client on board. Works without JavaScript; HTMX only makes it quicker."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, redirect

from portal.accounts.gate import principal
from portal.connectors import registry
from portal.foundation.errors import Conflict, ConnectorError, Invalid, TooMany
from portal.foundation.runtime import runtime
from portal.foundation.vault import mask
from portal.foundation.web.answers import page
from portal.foundation.web.policy import SUPERADMIN, route
from portal.foundation.web.requests import form_values, parse_query
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.drafts import open_draft, seal_draft
from portal.stores.estimates import estimate_first_sync
from portal.stores.offered import platform_help
from portal.superadmin.clients import list_clients
from portal.superadmin.created_pages import show_created
from portal.superadmin.service import NewClient, check_platform, create_client
from portal.tenancy import scope

blueprint = Blueprint("superadmin", __name__)

PAGE = 50
_OWN_SECRETS = frozenset({"password"})  # of the form itself, whichever platform is chosen
FREQUENCY_LABELS = [
    ("hourly", "Every hour"),
    ("every_6_hours", "Every 6 hours"),
    ("daily", "Every day"),
    ("weekly", "Every week"),
]


class ClientsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`q` matches company and e-mail."""

    q: Annotated[str, Meta(max_length=100)] | None = None
    page: Annotated[int, Meta(ge=1, le=10_000)] = 1


class FormQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`platform_type` chooses whose fields are shown."""

    platform_type: Annotated[str, Meta(max_length=40)] = ""


@route(blueprint, "/superadmin", roles=SUPERADMIN, family="page")
async def superadmin_home() -> Response:
    return redirect("/superadmin/clients")  # type: ignore[return-value]


@route(blueprint, "/superadmin/clients", roles=SUPERADMIN, family="page")
async def clients() -> Response:
    """Every client with its connections: status, last sync, errors."""
    query = parse_query(ClientsQuery)
    async with scope.platform(runtime().database, "list clients", read_only=True) as tx:
        rows = await list_clients(tx, search=query.q, limit=PAGE + 1, offset=(query.page - 1) * PAGE)
    return await page(
        "superadmin/clients.html",
        partial="superadmin/_clients.html",
        rows=rows[:PAGE],
        query=query,
        more=len(rows) > PAGE,
    )


@route(blueprint, "/superadmin/clients/new", roles=SUPERADMIN, family="page")
async def new_client() -> Response:
    """The empty form."""
    asked = parse_query(FormQuery).platform_type
    return await _form({"platform_type": asked or _first(), "input_method": "api", "access": "invite"}, {})


@route(blueprint, "/superadmin/clients/new/fields", roles=SUPERADMIN, family="page")
async def new_client_fields() -> Response:
    """The credentials' fields of a platform, when another one is chosen."""
    asked = parse_query(FormQuery).platform_type or _first()
    told = await platform_help(runtime(), asked)
    return await page("superadmin/_credentials.html", platform_help=told, **_context({"platform_type": asked}, {}))


async def _too_many_tests(error: TooMany) -> Response:
    """The limit is told beside the button."""
    return await _form(await _submitted(), {}, untested=error.message, partial="superadmin/_test_result.html")


async def _too_many_clients(error: TooMany) -> Response:
    """The limit is told in the form, which keeps what was typed."""
    return await _form(await _submitted(), {}, message=error.message)


@route(
    blueprint,
    "/superadmin/clients/new/test",
    roles=SUPERADMIN,
    family="test",
    methods=("POST",),
    too_many=_too_many_tests,
)
async def test_new_client() -> Response:
    """Test API Connection, in place: findings beside the form (a page of the whole form without HTMX)."""
    values = await _submitted()
    errors: dict[str, str] = {}
    untested = ""
    test = None
    try:
        if wrong := check_platform(values["platform_type"]):
            raise Invalid("Choose a platform.", wrong)
        credentials = stores.validate_credentials(values["platform_type"], _credentials(values))
        test = await stores.test_credentials(runtime(), values["platform_type"], credentials)
    except Invalid as error:
        errors = error.fields
        untested = next(iter(errors.values()), error.message)
    return await _form(
        values,
        errors,
        test=test,
        untested=untested,
        partial="superadmin/_test_result.html",
        status=200 if test else 422,
    )


@route(
    blueprint,
    "/superadmin/clients/new",
    roles=SUPERADMIN,
    family="test",
    methods=("POST",),
    endpoint="create_new_client",
    too_many=_too_many_clients,
)
async def create_new_client() -> Response:
    """Create the client; on any error the form comes back as it was filled in, each error beside its field."""
    values = await _submitted()
    method = values.get("input_method", "api")
    api = method == "api"
    new = NewClient(
        company_name=values.get("company_name", ""),
        email=values.get("email", ""),
        password=values.get("password", "") if values.get("access") == "password" else "",
        invite=values.get("access") != "password",
        platform=values["platform_type"] if api else "",
        connection_name=values.get("connection_name", ""),
        credentials=_credentials(values) if api else {},
        frequency=values.get("sync_frequency", "hourly"),
    )
    try:
        if method not in {"api", "manual"}:
            raise Invalid("Please correct the marked fields.", {"input_method": "Choose API or No store yet."})
        created = await create_client(runtime(), principal(), new)
    except (Invalid, Conflict) as error:
        return await _form(values, error.details.get("fields", {}), message=error.message, status=error.status)
    except ConnectorError as error:
        test = error.details.get("connection_test")
        return await _form(values, {}, message=error.message, test=test, status=422)
    return show_created(created)


async def _submitted() -> dict[str, str]:
    """The form's values; secrets that were typed earlier come back from the sealed draft."""
    values = await form_values()
    values.setdefault("platform_type", _first())
    settings, who = runtime().settings, principal().user_id
    kept = open_draft(settings, who, values["platform_type"], values.get("draft", ""), common=_OWN_SECRETS)
    return {**values, **{name: value for name, value in kept.items() if not values.get(name)}}


def _credentials(values: dict[str, str]) -> dict[str, str]:
    unknown = check_platform(values["platform_type"])
    return {} if unknown else stores.from_form(values["platform_type"], values)


async def _form(
    values: dict[str, str],
    errors: dict[str, str],
    *,
    message: str = "",
    untested: str = "",
    test: Any = None,
    status: int = 200,
    partial: str = "superadmin/_form.html",
) -> Response:
    kind = values["platform_type"]
    context = _context(values, errors) | {
        "platform_help": await platform_help(runtime(), kind),
        "estimate": await estimate_first_sync(runtime(), kind, test),
        "permissions": checks.permissions(registry.manifest(kind), test) if test else [],
    }
    return await page(
        "superadmin/new_client.html",
        partial=partial,
        status=status,
        message=message,
        untested=untested,
        test=test,
        **context,
    )


def _context(values: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    secret_names = _OWN_SECRETS | {field.name for field in _fields(values["platform_type"]) if field.secret}
    secrets = {name: values[name] for name in secret_names if values.get(name)}
    return {
        "values": {name: value for name, value in values.items() if name not in secret_names},
        "masked": {name: mask(value) for name, value in secrets.items()},
        "draft": seal_draft(runtime().settings, principal().user_id, values["platform_type"], secrets),
        "errors": errors,
        "manifests": registry.manifests(),
        "chosen": next((m for m in registry.manifests() if m.platform == values["platform_type"]), None),
        "frequencies": FREQUENCY_LABELS,
        "first": not values.get("company_name") and not errors,
    }


def _fields(platform: str) -> Any:
    return next((m.fields for m in registry.manifests() if m.platform == platform), ())


def _first() -> str:
    return registry.manifests()[0].platform


assert {value for value, _ in FREQUENCY_LABELS} == set(stores.FREQUENCIES)  # noqa: S101 (a declaration's own check)
