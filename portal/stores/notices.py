"""What somebody should know of a connection, said once when it begins and once when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from portal.tenancy.scope import Scope

AFTER = 2
"""Failures in a row before anything is said: a store that stumbles once is not news."""
AHEAD = timedelta(days=30)
"""How long before credentials end it is said."""
_SHOWN = timedelta(days=7)

_FAILING = """
INSERT INTO notices (org_id, connection_id, kind, title, advice)
SELECT c.org_id, c.id, 'failing', c.connection_name || ' fails: ' || $2, $3 FROM client_api_credentials c
WHERE c.id = $1 AND coalesce((SELECT n.kind FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
  AND n.kind IN ('failing', 'recovered') ORDER BY n.id DESC LIMIT 1), '') <> 'failing'
"""
_RECOVERED = """
INSERT INTO notices (org_id, connection_id, kind, title)
SELECT c.org_id, c.id, 'recovered', c.connection_name || ' works again' FROM client_api_credentials c
WHERE c.id = $1 AND c.consecutive_failures = 0 AND (SELECT n.kind FROM notices n WHERE n.org_id = c.org_id
  AND n.connection_id = c.id AND n.kind IN ('failing', 'recovered') ORDER BY n.id DESC LIMIT 1) = 'failing'
"""
_EXPIRING = """
INSERT INTO notices (org_id, connection_id, kind, title, advice)
SELECT c.org_id, c.id, 'expiring', c.connection_name || ': the credentials end on ' || $2, $3 FROM client_api_credentials c
WHERE c.id = $1 AND NOT EXISTS (SELECT FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
  AND n.kind = 'expiring' AND n.title = c.connection_name || ': the credentials end on ' || $2)
"""
# The newest of each connection: what still holds, and what ended within the week.
_SHOW = """
SELECT n.id, n.org_id, n.connection_id, n.at, n.kind, n.title, n.advice, o.name AS organization
FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id
CROSS JOIN LATERAL (SELECT DISTINCT ON (kind = 'expiring') * FROM notices x
  WHERE x.org_id = c.org_id AND x.connection_id = c.id ORDER BY kind = 'expiring', id DESC) n
WHERE c.status <> 'disabled' AND o.disabled_at IS NULL
  AND CASE n.kind WHEN 'failing' THEN true
    -- New credentials end later, or never: a newer check says so.
    WHEN 'expiring' THEN EXISTS (SELECT FROM (SELECT expires_at FROM connection_checks k WHERE k.org_id = c.org_id
      AND k.connection_id = c.id ORDER BY k.id DESC LIMIT 1) k WHERE k.expires_at < now() + $2::interval)
    ELSE n.at > now() - $1::interval END
ORDER BY n.kind = 'recovered', n.at DESC LIMIT 50
"""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `notices`. `organization` is whose store it is."""

    id: int
    org_id: UUID
    connection_id: int
    at: datetime
    kind: str
    title: str
    advice: str
    organization: str

    @property
    def tone(self) -> str:
        return {"failing": "bad", "expiring": "warn"}.get(self.kind, "good")


async def failed(scope: Scope, connection_id: int, in_a_row: int, message: str, advice: str) -> None:
    """A run or a check failed, `in_a_row` with this one. Said with the second, and then not again until it recovered."""
    if in_a_row >= AFTER:
        await scope.sql.execute(_FAILING, connection_id, message[:300], advice[:500])


async def recovered(scope: Scope, connection_id: int) -> None:
    """A run or a check went well: said when a failure was said before and no run fails any more."""
    await scope.sql.execute(_RECOVERED, connection_id)


async def expires(scope: Scope, connection_id: int, expires_at: datetime, now: datetime) -> None:
    """The credentials end by themselves: said once, `AHEAD` of it."""
    if expires_at < now + AHEAD:
        advice = "Make new ones at the platform and enter them here; the old ones stay in use until the new are proven."
        await scope.sql.execute(_EXPIRING, connection_id, expires_at.strftime("%-d %B %Y"), advice)


async def current(scope: Scope) -> list[Notice]:
    """What should be shown now, by tenant or (in a platform scope) of everybody; failures first."""
    return [Notice(**dict(row)) for row in await scope.sql.fetch(_SHOW, _SHOWN, AHEAD)]
