"""The agency's view of all connections and of the platforms."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, flash, redirect

from portal.accounts.gate import principal
from portal.connectors import registry
from portal.foundation.errors import Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import SUPERADMIN, route
from portal.foundation.web.requests import form_values, parse_query
from portal.stores.connection import FREQUENCIES
from portal.stores.notices import current
from portal.superadmin.oversight import SORTS, STATES, connections
from portal.superadmin.platforms import PlatformConfig, change, configs
from portal.tenancy import scope

blueprint = Blueprint("oversight", __name__)
PAGE = 50


class ConnectionsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`state` and `platform` narrow, `q` matches the client's and the connection's name, `sort` orders."""

    state: Literal["", "failing", "late", "working", "paused", "disabled"] = ""
    platform: Annotated[str, Meta(max_length=40)] = ""
    q: Annotated[str, Meta(max_length=100)] = ""
    sort: Literal["state", "client", "success", "lag", "next", "rows", "retries"] = "state"
    page: Annotated[int, Meta(ge=1, le=10_000)] = 1


@route(blueprint, "/superadmin/connections", roles=SUPERADMIN, family="page")
async def all_connections() -> Response:
    """Every connection of every client: failing ones first, with the notices above."""
    query = parse_query(ConnectionsQuery)
    async with scope.platform(runtime().database, "list all connections", read_only=True) as tx:
        rows = await connections(
            tx,
            state=query.state or None,
            platform=query.platform or None,
            search=query.q or None,
            sort=query.sort,
            limit=PAGE + 1,
            offset=(query.page - 1) * PAGE,
        )
        notices = await current(tx)
    return await page(
        "superadmin/connections.html",
        partial="superadmin/_connections.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        query=query,
        notices=notices,
        theirs=True,
        sorts=[(name, label) for name, (label, _) in SORTS.items()],
        states=[(each, each.capitalize()) for each in STATES],
        platforms=[(each.platform, each.label) for each in registry.manifests()],
        labels={each.platform: each.label for each in registry.manifests()},
        frequencies={name: word for name, (_, word) in FREQUENCIES.items()},
    )


@route(blueprint, "/superadmin/platforms", roles=SUPERADMIN, family="page")
async def platforms() -> Response:
    """What may be changed of each platform."""
    return await _show({}, "", {})


@route(blueprint, "/superadmin/platforms/<platform>", roles=SUPERADMIN, family="admin", methods=("POST",))
async def change_platform(platform: str) -> Response:
    """Save one platform's form; it works from the next request to a store on."""
    mine = f"{platform}-"  # the fields of all platforms stand on one page
    given = {name.removeprefix(mine): value for name, value in (await form_values()).items() if name.startswith(mine)}
    try:
        async with scope.platform(runtime().database, "change a platform") as tx:
            saved = await change(tx, principal(), platform, given)
    except Invalid as error:
        wrong = {mine + name: message for name, message in error.fields.items()}
        return await _show(wrong, platform, given, status=422)
    await flash(f"{saved.manifest.label} was changed.", "success")
    return redirect("/superadmin/platforms", 303)  # type: ignore[return-value]


async def _show(errors: dict[str, str], of: str, given: dict[str, str], *, status: int = 200) -> Response:
    async with scope.platform(runtime().database, "read platforms", read_only=True) as tx:
        found = await configs(tx)
    return await page(
        "superadmin/platforms.html",
        status=status,
        platforms=[(each, given if each.manifest.platform == of else _values(each)) for each in found],
        errors=errors,
        wrong=of,
    )


def _values(config: PlatformConfig) -> dict[str, str]:
    rate = config.requests_per_second
    return {
        "enabled": "1" if config.enabled else "",
        "requests_per_second": "" if rate is None else f"{rate.normalize():f}",
        "burst": "" if config.burst is None else str(config.burst),
        "help_text": config.help_text,
    }
