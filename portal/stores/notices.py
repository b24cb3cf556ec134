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
SOON = timedelta(days=7)
"""How long before they end it is said once more."""
FLAPPING, STEADY = timedelta(hours=24), timedelta(hours=6)
"""Who was said to fail twice within the first has recovered only after the second without a failure."""
_SHOWN = timedelta(days=7)
WEBHOOKS_OFF, WEBHOOKS_ON = "webhooks_off", "webhooks_on"
SILENT, HEARD = "webhooks_silent", "webhooks_heard"
_PAIRS = {WEBHOOKS_ON: WEBHOOKS_OFF, HEARD: SILENT, WEBHOOKS_OFF: WEBHOOKS_ON, SILENT: HEARD}
_TONES = {"failing": "bad", "expiring": "warn", WEBHOOKS_OFF: "warn", SILENT: "warn"}

_FAILING = """
INSERT INTO notices (org_id, connection_id, kind, title, advice)
SELECT c.org_id, c.id, 'failing', c.connection_name || ' fails: ' || $2, $3 FROM client_api_credentials c
WHERE c.id = $1 AND coalesce((SELECT n.kind FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
  AND n.kind IN ('failing', 'recovered') ORDER BY n.id DESC LIMIT 1), '') <> 'failing'
"""
# What is said to fail, and fails for another reason now: still one notice, with the newest one.
_STILL_FAILING = """
UPDATE notices f SET title = c.connection_name || ' fails: ' || $2, advice = $3 FROM client_api_credentials c
WHERE c.id = $1 AND f.kind = 'failing' AND f.org_id = c.org_id
  AND f.id = (SELECT n.id FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
    AND n.kind IN ('failing', 'recovered') ORDER BY n.id DESC LIMIT 1)
  AND (f.title, f.advice) IS DISTINCT FROM (c.connection_name || ' fails: ' || $2, $3)
"""
_RECOVERED = """
INSERT INTO notices (org_id, connection_id, kind, title)
SELECT c.org_id, c.id, 'recovered', c.connection_name || ' works again' FROM client_api_credentials c
WHERE c.id = $1 AND c.consecutive_failures = 0 AND (SELECT n.kind FROM notices n WHERE n.org_id = c.org_id
  AND n.connection_id = c.id AND n.kind IN ('failing', 'recovered') ORDER BY n.id DESC LIMIT 1) = 'failing'
  -- A store that fails on and off is failing until it has not failed for a while.
  AND ((SELECT count(*) FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id AND n.kind = 'failing'
      AND n.at > now() - $2::interval) < 2
    OR greatest(c.last_error_at, (SELECT max(k.at) FROM connection_checks k WHERE k.org_id = c.org_id
      AND k.connection_id = c.id AND NOT k.ok)) < now() - $3::interval)
"""
# $2 begins when the last word about it was $3 or none was said; $2 ends only what $3 began.
_BEGINS = """
INSERT INTO notices (org_id, connection_id, kind, title, advice)
SELECT c.org_id, c.id, $2, c.connection_name || ': ' || $4, $5 FROM client_api_credentials c
WHERE c.id = $1 AND coalesce((SELECT n.kind FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
  AND n.kind IN ($2, $3) ORDER BY n.id DESC LIMIT 1), $3) = $3
"""
_ENDS = """
INSERT INTO notices (org_id, connection_id, kind, title)
SELECT c.org_id, c.id, $2, c.connection_name || ': ' || $4 FROM client_api_credentials c
WHERE c.id = $1 AND (SELECT n.kind FROM notices n WHERE n.org_id = c.org_id AND n.connection_id = c.id
  AND n.kind IN ($2, $3) ORDER BY n.id DESC LIMIT 1) = $3
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
CROSS JOIN LATERAL (SELECT DISTINCT ON (about) x.* FROM (SELECT y.*, CASE WHEN y.kind IN ('failing', 'recovered') THEN 'runs'
    WHEN y.kind IN ('webhooks_off', 'webhooks_on') THEN 'webhooks' WHEN y.kind IN ('webhooks_silent', 'webhooks_heard')
    THEN 'silence' ELSE y.kind END AS about FROM notices y WHERE y.org_id = c.org_id AND y.connection_id = c.id) x
  ORDER BY about, x.id DESC) n
WHERE c.status <> 'disabled' AND o.disabled_at IS NULL
  AND CASE n.kind WHEN 'failing' THEN true WHEN 'webhooks_off' THEN true WHEN 'webhooks_silent' THEN true
    -- New credentials end later, or never: a newer check says so.
    WHEN 'expiring' THEN EXISTS (SELECT FROM (SELECT expires_at FROM connection_checks k WHERE k.org_id = c.org_id
      AND k.connection_id = c.id ORDER BY k.id DESC LIMIT 1) k WHERE k.expires_at < now() + $2::interval)
    ELSE n.at > now() - $1::interval END
ORDER BY n.kind IN ('recovered', 'webhooks_on', 'webhooks_heard'), n.at DESC LIMIT 50
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
        return _TONES.get(self.kind, "good")


async def failed(scope: Scope, connection_id: int, in_a_row: int, message: str, advice: str) -> None:
    """A run or a check failed, `in_a_row` with this one. Said with the second, and then not again until it recovered; the reason
    is that of the newest failure."""
    await scope.sql.execute(_STILL_FAILING, connection_id, message[:300], advice[:500])
    if in_a_row >= AFTER:
        await scope.sql.execute(_FAILING, connection_id, message[:300], advice[:500])


async def recovered(scope: Scope, connection_id: int) -> None:
    """A run or a check went well: said when a failure was said before and no run fails any more.

    Of a store that was said to fail twice within `FLAPPING`, only when it has not failed for `STEADY`.
    """
    await scope.sql.execute(_RECOVERED, connection_id, FLAPPING, STEADY)


async def begins(scope: Scope, connection_id: int, kind: str, title: str, advice: str) -> None:
    """Something of `kind` (WEBHOOKS_OFF, SILENT) holds now: said once until its end is said."""
    await scope.sql.execute(_BEGINS, connection_id, kind, _PAIRS[kind], title[:300], advice[:700])


async def ends(scope: Scope, connection_id: int, kind: str, title: str) -> None:
    """What had begun is over (WEBHOOKS_ON, HEARD): said once, and only when its begin was said."""
    await scope.sql.execute(_ENDS, connection_id, kind, _PAIRS[kind], title[:300])


async def expires(scope: Scope, connection_id: int, expires_at: datetime, now: datetime) -> None:
    """The credentials end by themselves: said once `AHEAD` of it and once more `SOON` before."""
    if expires_at < now + AHEAD:
        advice = "Make new ones at the platform and enter them here; the old ones stay in use until the new are proven."
        said = expires_at.strftime("%-d %B %Y") + (", in less than a week" if expires_at < now + SOON else "")
        await scope.sql.execute(_EXPIRING, connection_id, said, advice)


async def current(scope: Scope) -> list[Notice]:
    """What should be shown now, by tenant or (in a platform scope) of everybody; failures first."""
    return [Notice(**dict(row)) for row in await scope.sql.fetch(_SHOW, _SHOWN, AHEAD)]
