"""Who waits for whom, in one place, so that two writers never wait for each other.

Every writer takes: (1) the organization, shared; (2) its connection, alone, while the connection's row keeps it from being
deleted; (3) rows of that connection only; (4) last, the organization's version row. A rebuild takes the organization alone,
then (4). Two connections of one organization meet only at (4), for the length of a commit.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from portal.commerce.restating import Stated
from portal.foundation.errors import Missing
from portal.tenancy.scope import Scope

# Without sorting, a customer's first order (rollups.py) can only come from the index that has it first. A long transaction writes
# what statistics cannot see: PostgreSQL then expects one row of the connection, and reading all its orders by another index and
# sorting them looks a hair cheaper, once for every customer. (A million rows of a file never got to their end.)
_WRITER = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('commerce:' || $1::uuid::text, 0)),
       pg_advisory_xact_lock(hashtextextended('commerce:' || $1::uuid::text || ':' || $2::bigint::text, 0)),
       set_config('enable_sort', 'off', true)
FROM client_api_credentials c WHERE c.id = $2 AND c.org_id = $1 FOR KEY SHARE OF c
"""
# A statement of its own: one that waited for the lock sees what was before it (a switch, another time zone) by its snapshot.
_STATED = """
SELECT s.day, portal_midnight(s.day, s.timezone), s.since, portal_midnight(s.since, s.timezone)
FROM client_api_credentials c LEFT JOIN LATERAL (
  -- What a source in shadow says, or one of days that another counts for, was told to nobody (0008_picture).
  SELECT least((c.last_success_at AT TIME ZONE o.timezone)::date, c.counts_until) AS day, c.counts_from AS since, o.timezone
  FROM organizations o
  WHERE o.id = $1 AND NOT c.shadow AND EXISTS (SELECT FROM sync_cursors k
    WHERE k.org_id = $1 AND k.connection_id = $2 AND k.stream = 'orders' AND k.phase = 'incremental')
) s ON true
WHERE c.id = $2 AND c.org_id = $1
"""
_ADVANCE = """
INSERT INTO tenant_versions AS v (org_id, version, data_as_of) VALUES ($1, $2::int, $3)
ON CONFLICT (org_id) DO UPDATE SET version = v.version + excluded.version,
  data_as_of = greatest(v.data_as_of, excluded.data_as_of),
  changed_at = CASE WHEN excluded.version > 0 THEN now() ELSE v.changed_at END
RETURNING version
"""


async def writer(scope: Scope, org_id: UUID, connection_id: int) -> Stated | None:
    """Hold the connection's rows until the end of the transaction; which of its days are stated, None for none.

    Raises `Missing` when the connection is gone.
    """
    if await scope.sql.fetchrow(_WRITER, org_id, connection_id) is None:
        raise Missing("There is no such store connection.")
    found = await scope.sql.fetchrow(_STATED, org_id, connection_id)
    return None if found is None or found[0] is None else Stated(*found)


async def everything(scope: Scope, org_id: UUID) -> None:
    """Hold all commerce rows of the organization until the end of the transaction."""
    await scope.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended('commerce:' || $1::uuid::text, 0))", org_id)


async def beside(scope: Scope, org_id: UUID) -> None:
    """Hold the organization as a writer does, for who writes rows of a connection that no writer finds any more."""
    await scope.sql.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('commerce:' || $1::uuid::text, 0))", org_id
    )


async def advance(scope: Scope, org_id: UUID, *, moved: bool, data_as_of: datetime | None = None) -> int:
    """The organization's data version, one further when something `moved`. The last statement of a writing transaction."""
    version: int = await scope.sql.fetchval(_ADVANCE, org_id, int(moved), data_as_of)
    return version
