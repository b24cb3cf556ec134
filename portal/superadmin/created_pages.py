"""The page of a client that has just been made: an address of its own, so that reloading it or going back posts nothing again.

The invitation's link is known only when it is made (its hash is kept). It goes along in the browser's own cookie, sealed and bound
to the user, for an hour: nobody else can read it, and it stands in no address, log or table.
"""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response, redirect, session

from portal.accounts.gate import principal
from portal.foundation.errors import Missing
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import SUPERADMIN, route
from portal.stores import service as stores
from portal.stores.drafts import open_draft, seal_draft
from portal.superadmin.service import Created
from portal.sync.status import estimate_of
from portal.tenancy import scope

blueprint = Blueprint("created", __name__)
_KEPT = "invitation"
_SQL = """
SELECT o.id AS org_id, o.name, w.email, w.joined, c.id AS connection_id, c.connection_name AS store,
       (SELECT r.status FROM client_api_sync_results r WHERE r.org_id = o.id AND r.connection_id = c.id
         ORDER BY r.id LIMIT 1) AS first_run
FROM organizations o
LEFT JOIN LATERAL (SELECT u.email, u.password_hash IS NOT NULL AS joined FROM memberships m JOIN users u ON u.id = m.user_id
  WHERE m.org_id = o.id AND m.role = 'owner' ORDER BY m.created_at LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT x.id, x.connection_name FROM client_api_credentials x WHERE x.org_id = o.id ORDER BY x.id LIMIT 1) c
  ON true
WHERE o.id = $1 AND o.disabled_at IS NULL
"""


def show_created(created: Created) -> Response:
    """To the new client's page, where the invitation's link can be copied."""
    if created.invitation_url:
        kept = {"org": str(created.org_id), "url": created.invitation_url}
        session[_KEPT] = seal_draft(runtime().settings, principal().user_id, _KEPT, kept)
    return redirect(f"/superadmin/clients/{created.org_id}/created", 303)  # type: ignore[return-value]


@route(blueprint, "/superadmin/clients/<uuid:org_id>/created", roles=SUPERADMIN, family="page")
async def created_client(org_id: UUID) -> Response:
    """What was made: the owner, the store and its first sync, and for an hour the link to send."""
    async with scope.platform(runtime().database, "show a new client", read_only=True) as tx:
        client = await tx.sql.fetchrow(_SQL, org_id)
        if client is None:
            raise Missing("There is no such client.")
        store = await stores.load(tx, client["connection_id"]) if client["connection_id"] else None
        estimate = await estimate_of(tx, store) if store is not None else None
    kept = open_draft(runtime().settings, principal().user_id, _KEPT, str(session.get(_KEPT, "")))
    link = kept.get("url", "") if kept.get("org") == str(org_id) else ""
    return await page("superadmin/created.html", client=client, link=link, estimate=estimate)
