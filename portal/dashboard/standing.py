"""How an organization's sources stand: what decides whether a tile is live, stale, empty or not connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from portal.foundation.errors import Missing

State = Literal["live", "stale", "error", "empty", "not_connected", "first_sync", "ended"]

_SQL = """
SELECT o.name, o.timezone, o.reporting_currency::text AS currency,
       count(c.id) AS stores,
       count(c.id) FILTER (WHERE c.last_success_at IS NOT NULL) AS synced,
       max(c.last_success_at) AS last_success_at,
       (array_agg(c.connection_name ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS failing,
       (array_agg(c.id ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS failing_id,
       (array_agg(c.last_error ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS reason,
       (array_agg(c.last_success_at ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS failing_since,
       (array_agg(jsonb_build_array(c.id, c.connection_name, c.last_success_at, c.status = 'paused') ORDER BY c.last_success_at)
        FILTER (WHERE c.polled AND c.last_success_at < portal_now() - CASE c.sync_frequency
         WHEN 'hourly' THEN interval '2 hours' WHEN 'every_6_hours' THEN interval '12 hours'
         WHEN 'daily' THEN interval '2 days' ELSE interval '14 days' END))[1] AS late,
       portal_now() AS now, greatest((SELECT max(r.moved_at) FROM reconciliations r WHERE r.org_id = o.id),
         (SELECT max(g.at) FROM glances g WHERE g.org_id = o.id)) AS compared,
       (SELECT portal_store()) AS store,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(s.id, s.connection_name, s.platform_type, s.shadow, s.counts_from,
                 s.counts_until) ORDER BY lower(s.connection_name), s.id), '[]')
        FROM client_api_credentials s WHERE s.org_id = o.id) AS choices,
       k.ended, coalesce(k.knows_today, true) AS knows_today
FROM organizations o CROSS JOIN LATERAL (SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today) d
CROSS JOIN LATERAL (
  SELECT bool_or(u.knows_today) AS knows_today,
         coalesce(jsonb_agg(jsonb_build_array(u.name, u.last_day) ORDER BY u.last_day DESC, lower(u.name))
           FILTER (WHERE NOT u.knows_today AND u.last_day IS NOT NULL), '[]') AS ended
  FROM v_picture p JOIN v_known_until u ON u.org_id = p.org_id AND u.connection_id = p.connection_id
  WHERE p.org_id = o.id AND d.today >= p.first_day AND d.today < p.end_day
) k
LEFT JOIN client_api_credentials c ON c.org_id = o.id AND CASE WHEN (SELECT portal_store()) IS NULL
  -- What is not counted today makes no number of today old.
  THEN c.status <> 'disabled' AND NOT c.shadow AND coalesce(c.counts_until > d.today, true)
  ELSE c.id = (SELECT portal_store()) END
GROUP BY o.id, o.name, o.timezone, o.reporting_currency, k.ended, k.knows_today
"""


class Store(msgspec.Struct, frozen=True, array_like=True):
    """A store to look at alone. In `shadow` it counts for no day, else for those from `counts_from` until before `counts_until`."""

    id: int
    name: str
    platform: str
    shadow: bool
    counts_from: date | None
    counts_until: date | None


class Late(msgspec.Struct, frozen=True, array_like=True):
    """A store that was read last longer ago than its rhythm is; paused ones are, too."""

    id: int
    name: str
    since: datetime
    paused: bool


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """A source that counts today and is known until `day` only: uploaded files."""

    name: str
    day: date


@dataclass(frozen=True, slots=True)
class Standing:
    """`store` is the one that is looked at, None all that count; `choices` every store there is.

    `timezone` and `currency` are the organization's; `reason` is the newest error of a failing store and `failing_since` when
    that one was read last; `late` is the store that should have been read and was not for the longest; `compared` when any of
    them was compared last, in full or at a glance. `knows_today`: whether any that counts is known
    today; `ended` are those that are not, the newest first."""

    name: str
    timezone: str
    currency: str
    stores: int
    synced: int
    last_success_at: datetime | None
    failing: str | None
    failing_id: int | None
    reason: str | None
    failing_since: datetime | None
    late: Late | None
    now: datetime
    compared: datetime | None = None
    store: int | None = None
    choices: tuple[Store, ...] = ()
    ended: tuple[Ended, ...] = ()
    knows_today: bool = True

    @property
    def looked_at(self) -> Store | None:
        """The one store that is looked at."""
        return next((each for each in self.choices if each.id == self.store), None)

    def state(self, *, empty: bool, of_today: bool = False) -> State:
        """The state of a tile that reads the stores' data; `of_today`: its numbers are those of today."""
        if self.stores == 0:
            return "not_connected"
        if self.synced == 0:
            return "error" if self.failing else "first_sync"
        if of_today and not self.knows_today:
            return "ended"
        if self.failing or self.late:
            return "stale"
        return "empty" if empty else "live"

    @property
    def mark(self) -> str:
        """Changes with everything a drawn tile says of the stores, apart from their data."""
        said = (
            self.stores > 0,
            self.synced > 0,
            self.failing_id,
            self.failing,
            self.reason,
            self.late and self.late.id,
            self.late and self.late.paused,
            self.compared,
            [(each.id, each.name, each.shadow) for each in self.choices],
            self.knows_today,
            [(each.name, each.day) for each in self.ended],
        )
        told = repr((*said, self.currency, self.timezone))
        return blake2b(told.encode(), digest_size=6).hexdigest()


async def standing(connection: Any) -> Standing:
    """The organization's standing, by the connection of a tenant scope; of the one store that is looked at, else of all.

    Raises `Missing` when that store is not there for this tenant.
    """
    row = await connection.fetchrow(_SQL)
    if row is None:
        return Standing("", "UTC", "USD", 0, 0, None, None, None, None, None, None, datetime.now(UTC))
    choices = msgspec.json.decode(row["choices"], type=tuple[Store, ...])
    ended = msgspec.json.decode(row["ended"], type=tuple[Ended, ...])
    late = msgspec.json.decode(row["late"], type=Late) if row["late"] else None
    found = Standing(**{**dict(row), "choices": choices, "ended": ended, "late": late})
    if found.store is not None and found.looked_at is None:
        raise Missing("There is no such store.", details={"store": found.store})
    return found
