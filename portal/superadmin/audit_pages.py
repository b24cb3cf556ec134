"""The whole trail for the agency: every client's chain and the platform's own, which no client's page shows."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from portal.audit.reading import every_entry_before
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import SUPERADMIN, route
from portal.foundation.web.requests import parse_query
from portal.tenancy import scope

blueprint = Blueprint("platform_audit", __name__)
PAGE = 50  # entries


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`before`: only entries with a smaller id."""

    before: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


@route(blueprint, "/superadmin/audit", roles=SUPERADMIN, family="audit")
async def all_audit() -> Response:
    """One page of all entries, newest first. The numbers are those of each chain, so they may repeat."""
    query = parse_query(AuditQuery)
    async with scope.platform(runtime().database, "read the whole trail", read_only=True) as tx:
        found = await every_entry_before(tx.sql, query.before, PAGE)
    older = f"/superadmin/audit?before={found[-1].id}" if len(found) == PAGE else ""
    newest = "/superadmin/audit" if query.before else ""
    return await page("audit/page.html", entries=found, older=older, newest=newest, theirs=True)
