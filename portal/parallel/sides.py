"""A source as the comparison and the switch see it: which days it has, and which of them count."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from portal.foundation.errors import Missing
from portal.tenancy.scope import Scope

# A polled store is whole until the day it was read last; files until the last day they have. A day whose orders all went (an upload
# that was undone) keeps its row, of zeros.
_SIDES = """
SELECT c.id, c.connection_name AS name, c.platform_type AS platform, c.polled, c.shadow, c.counts_from, c.counts_until,
       n.today, d.first_day, d.last_day,
       CASE WHEN c.polled THEN (c.last_success_at AT TIME ZONE o.timezone)::date ELSE d.last_day + 1 END AS read_until
FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id
CROSS JOIN LATERAL (SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today) n
LEFT JOIN (SELECT connection_id, min(day) AS first_day, max(day) AS last_day FROM daily_sales
           WHERE org_id = (SELECT portal_org()) AND (orders, refund_count) <> (0, 0)
           GROUP BY connection_id) d ON d.connection_id = c.id
WHERE $1::bigint[] IS NULL OR c.id = ANY($1) ORDER BY c.polled, lower(c.connection_name), c.id
"""


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """What a source counts for: in `shadow` nothing, else the days from `since` until before `until` (None: without end)."""

    shadow: bool
    since: date | None = None
    until: date | None = None

    def has(self, day: date) -> bool:
        """Whether it counts for `day`."""
        began = self.since is None or self.since <= day
        return not self.shadow and began and (self.until is None or day < self.until)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One source. `first_day` and `last_day` have orders or refunds (None: it has none yet); days before `read_until` are whole."""

    id: int
    name: str
    platform: str
    polled: bool
    shadow: bool
    counts_from: date | None
    counts_until: date | None
    today: date
    first_day: date | None
    last_day: date | None
    read_until: date | None

    @property
    def counting(self) -> Counting:
        return Counting(shadow=self.shadow, since=self.counts_from, until=self.counts_until)

    @property
    def whole(self) -> tuple[date, date] | None:
        """The days it has completely, half-open; today never is. None: not one."""
        if self.first_day is None or self.read_until is None:
            return None
        end = min(self.read_until, self.today)
        return (self.first_day, end) if self.first_day < end else None


def common(one: Side, other: Side) -> tuple[date, date] | None:
    """The days that both have completely, half-open. None: not one."""
    if one.whole is None or other.whole is None:
        return None
    first, end = max(one.whole[0], other.whole[0]), min(one.whole[1], other.whole[1])
    return (first, end) if first < end else None


def mark(*sides: Side) -> str:
    """Changes with what the sources count for: a form carries it, so that of two people who decide at once one is told."""
    said = repr([(each.id, each.shadow, each.counts_from, each.counts_until) for each in sides])
    return blake2b(said.encode(), digest_size=8).hexdigest()


async def every(scope: Scope) -> list[Side]:
    """All sources of the organization, files first."""
    return [_side(row) for row in await scope.sql.fetch(_SIDES, None)]


async def pair(scope: Scope, new_id: int, old_id: int) -> tuple[Side, Side]:
    """Two of them. Raises `Missing`."""
    found = {row["id"]: _side(row) for row in await scope.sql.fetch(_SIDES, [new_id, old_id])}
    if new_id == old_id or new_id not in found or old_id not in found:
        raise Missing("There is no such store to compare with.")
    return found[new_id], found[old_id]


def day_after(day: date) -> date:
    return day + timedelta(days=1)


def _side(row: Any) -> Side:
    return Side(**dict(row))
