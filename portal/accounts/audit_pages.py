"""`/audit`: what was done in the own organization, newest first."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.audit.reading import entries_before
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import parse_query
from portal.tenancy import scope

blueprint = Blueprint("audit", __name__)
PAGE = 50  # entries


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`before`: only entries with a smaller number."""

    before: Annotated[int, Meta(ge=1)] | None = None


@route(blueprint, "/audit", roles=OWNER, family="audit")
async def audit_page() -> Response:
    """One page of the trail."""
    query = parse_query(AuditQuery)
    async with scope.reading(runtime().database, principal().org) as connection:
        found = await entries_before(connection, principal().org, query.before, PAGE)
    older = f"/audit?before={found[-1].seq}" if len(found) == PAGE and found[-1].seq > 1 else ""
    newest = "/audit" if query.before else ""
    return await page("audit/page.html", entries=found, older=older, newest=newest)
