"""Every connection of every client in one list: how it stands, how often it succeeds, how far it lags."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from portal.tenancy.scope import Scope

STATES = ("failing", "late", "working", "paused", "disabled")
"""What the list can be narrowed to."""
_SQL = """
WITH lines AS (
  SELECT c.id, c.org_id, o.name AS organization, c.connection_name AS name, c.platform_type AS platform, c.status,
         c.sync_frequency AS frequency, c.last_success_at, c.last_error, c.last_error_advice, c.last_error_at,
         c.consecutive_failures AS failures, c.next_sync_at, coalesce(c.lease_until > now(), false) AS syncing,
         now() - c.last_success_at AS lag,
         CASE WHEN c.status IN ('paused', 'disabled') THEN c.status WHEN c.status = 'error' THEN 'failing'
           WHEN c.last_success_at < now() - CASE c.sync_frequency WHEN 'hourly' THEN interval '2 hours'
             WHEN 'every_6_hours' THEN interval '12 hours' WHEN 'daily' THEN interval '2 days' ELSE interval '14 days' END
           THEN 'late' ELSE 'working' END AS state
  FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id WHERE o.disabled_at IS NULL AND c.polled
)
SELECT l.*, r.* FROM lines l CROSS JOIN LATERAL (
  SELECT max(x.id) AS last_run, count(*) FILTER (WHERE status = 'success') AS succeeded,
         count(*) FILTER (WHERE status IN ('success', 'failed')) AS ended,
         round(avg(rows_fetched) FILTER (WHERE status = 'success'))::bigint AS rows_per_run,
         coalesce(sum(greatest(attempts - 1, 0)) + count(*) FILTER (WHERE trigger = 'retry'), 0)::bigint AS retries
  FROM client_api_sync_results x WHERE x.org_id = l.org_id AND x.connection_id = l.id AND x.queued_at > now() - interval '7 days'
) r
WHERE ($1::text IS NULL OR l.state = $1) AND ($2::text IS NULL OR l.platform = $2)
  AND ($3::text IS NULL OR l.organization ILIKE '%' || $3 || '%' OR l.name ILIKE '%' || $3 || '%')
ORDER BY {order}, l.id
LIMIT $4 OFFSET $5
"""
# Read from the runs' logs, so only for the connections that are shown.
_REPEATS = """
SELECT w.id, sum(n.repeats)::bigint AS repeats FROM unnest($1::uuid[], $2::bigint[]) AS w(org_id, id)
JOIN client_api_sync_results x ON x.org_id = w.org_id AND x.connection_id = w.id AND x.queued_at > now() - interval '7 days'
CROSS JOIN LATERAL (SELECT sum((v #>> '{}')::numeric) AS repeats
  FROM jsonb_path_query(x.log, '$[*].costs.*.repeats ? (@ > 0)') v) n
GROUP BY w.id HAVING sum(n.repeats) > 0
"""
_BY_STATE = "array_position(ARRAY['failing', 'late', 'working', 'paused', 'disabled'], l.state), lower(l.organization)"
SORTS = {
    "state": ("Failing first", _BY_STATE),
    "client": ("Client", "lower(l.organization), lower(l.name)"),
    "success": ("Lowest success rate", "CASE WHEN r.ended > 0 THEN r.succeeded::float8 / r.ended END NULLS LAST"),
    "lag": ("Longest without success", "l.state IN ('paused', 'disabled'), l.last_success_at NULLS FIRST"),
    "next": ("Next run", "l.state IN ('paused', 'disabled'), l.next_sync_at"),
    "rows": ("Most rows per run", "r.rows_per_run DESC NULLS LAST"),
    "retries": ("Most runs retried", "r.retries DESC"),
}
"""What the list can be ordered by: word -> label, SQL."""


class ConnectionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. `succeeded`, `ended`, `rows_per_run`, `retries` (of runs) and `repeats` (of requests within them) are of the
    last seven days."""

    id: int
    org_id: UUID
    organization: str
    name: str
    platform: str
    status: str
    state: str
    frequency: str
    last_success_at: datetime | None
    last_error: str | None
    last_error_advice: str | None
    last_error_at: datetime | None
    failures: int
    next_sync_at: datetime
    syncing: bool
    lag: timedelta | None
    succeeded: int
    ended: int
    rows_per_run: int | None
    retries: int
    repeats: int = 0
    last_run: int | None = None  # the newest of these days, to look into

    @property
    def success_rate(self) -> float | None:
        """Percent of the runs that ended, None when none did."""
        return 100 * self.succeeded / self.ended if self.ended else None


async def connections(
    tx: Scope,
    *,
    state: str | None,
    platform: str | None,
    search: str | None,
    sort: str = "state",
    limit: int,
    offset: int,
) -> list[ConnectionLine]:
    """In the order of `sort`, one of `SORTS`. `search` matches the client's and the connection's name. In a platform scope."""
    escaped = search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") if search else None
    rows = await tx.sql.fetch(_SQL.replace("{order}", SORTS[sort][1]), state, platform, escaped, limit, offset)
    logged = await tx.sql.fetch(_REPEATS, [row["org_id"] for row in rows], [row["id"] for row in rows])
    repeats = {row["id"]: row["repeats"] for row in logged}
    return [ConnectionLine(**dict(row), repeats=repeats.get(row["id"], 0)) for row in rows]
