"""Who waits for whom, in one place, so that two writers never wait for each other.

Every writer takes: (1) the organization, shared; (2) its connection, alone, while the connection's row keeps it from being
deleted; (3) rows of that connection only; (4) last, the organization's version row. A rebuild takes the organization alone,
then (4). Two connections of one organization meet only at (4), for the length of a commit.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from portal.foundation.errors import Missing
from portal.tenancy.scope import Scope

_WRITER = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('commerce:' || $1::uuid::text, 0)),
       pg_advisory_xact_lock(hashtextextended('commerce:' || $1::uuid::text || ':' || $2::bigint::text, 0))
FROM client_api_credentials WHERE id = $2 AND org_id = $1 FOR KEY SHARE
"""
_ADVANCE = """
INSERT INTO tenant_versions AS v (org_id, version, data_as_of) VALUES ($1, $2::int, $3)
ON CONFLICT (org_id) DO UPDATE SET version = v.version + excluded.version,
  data_as_of = greatest(v.data_as_of, excluded.data_as_of),
  changed_at = CASE WHEN excluded.version > 0 THEN now() ELSE v.changed_at END
RETURNING version
"""


async def writer(scope: Scope, org_id: UUID, connection_id: int) -> None:
    """Hold the connection's rows until the end of the transaction. Raises `Missing` when the connection is gone."""
    if await scope.sql.fetchrow(_WRITER, org_id, connection_id) is None:
        raise Missing("There is no such store connection.")


async def everything(scope: Scope, org_id: UUID) -> None:
    """Hold all commerce rows of the organization until the end of the transaction."""
    await scope.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended('commerce:' || $1::uuid::text, 0))", org_id)


async def advance(scope: Scope, org_id: UUID, *, moved: bool, data_as_of: datetime | None = None) -> int:
    """The organization's data version, one further when something `moved`. The last statement of a writing transaction."""
    version: int = await scope.sql.fetchval(_ADVANCE, org_id, int(moved), data_as_of)
    return version
