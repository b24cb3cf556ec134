"""The connection that uploaded rows belong to: one per organization, made when the first file is taken over, never polled."""

from __future__ import annotations

from datetime import datetime

from portal.foundation.errors import Conflict
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.tenancy.scope import Scope

PLATFORM = "files"
NAMES = ("Uploaded files", "Uploaded files (by hand)", "Uploaded files (portal)")


async def connection_of(rt: Runtime, scope: Scope) -> int:
    """Its id; it is made in the caller's transaction when there is none (a dry run takes it away again)."""
    org_id = scope.org_id
    assert org_id is not None  # noqa: S101 - a tenant's scope
    await scope.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended('uploads:' || $1::uuid::text, 0))", org_id)
    known: int | None = await scope.sql.fetchval(
        "SELECT id FROM client_api_credentials WHERE platform_type = $1 ORDER BY id LIMIT 1", PLATFORM
    )
    if known is not None:
        return known
    for place, name in enumerate(NAMES):
        try:
            made = await stores.create_connection(
                rt,
                scope,
                org_id=org_id,
                platform=PLATFORM,
                name=name,
                credentials={},
                frequency="weekly",
                created_by=None,
            )
        except Conflict:
            if place == len(NAMES) - 1:
                raise
            continue  # a store has this name
        await scope.sql.execute("UPDATE client_api_credentials SET polled = false WHERE id = $1", made)
        return made
    raise AssertionError


async def note_success(scope: Scope, connection_id: int, at: datetime) -> None:
    """The connection has data as of now: tiles say so."""
    await scope.sql.execute(
        "UPDATE client_api_credentials SET last_success_at = $2, updated_at = now() WHERE id = $1", connection_id, at
    )
