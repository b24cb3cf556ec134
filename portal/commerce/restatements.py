"""Reading the restatement log: what a day was stated as first, what it is now, and why, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from portal.commerce.restating import KINDS

# Whether the totals of all stores show what a row tells: its day counts, or the row says that another source began to count.
_COUNTS = """(r.reasons ?| '{source_switched,source_removed}' OR EXISTS (SELECT FROM v_picture p
  WHERE p.org_id = r.org_id AND p.connection_id = r.connection_id AND r.day >= p.first_day AND r.day < p.end_day))"""
_DAYS = f"""
SELECT r.day, r.connection_id, c.connection_name AS store, r.currency, count(*) AS times, max(r.at) AS last_at,
       (array_agg(r.before_revenue ORDER BY r.id))[1] AS before_revenue,
       (array_agg(r.before_orders ORDER BY r.id))[1] AS before_orders,
       (array_agg(r.after_revenue ORDER BY r.id DESC))[1] AS after_revenue,
       (array_agg(r.after_orders ORDER BY r.id DESC))[1] AS after_orders,
       jsonb_agg(r.reasons ORDER BY r.id) AS reasons, bool_or({_COUNTS}) AS counts
FROM restatements r JOIN client_api_credentials c ON c.id = r.connection_id
WHERE ($1::bigint IS NULL OR r.connection_id = $1) AND ($2::date IS NULL OR r.day = $2)
  AND ($3::date IS NULL OR (r.day, r.connection_id, r.currency) < ($3, $4::bigint, $5::text))
GROUP BY r.day, r.connection_id, c.connection_name, r.currency
ORDER BY r.day DESC, r.connection_id DESC, r.currency DESC LIMIT $6
"""  # noqa: S608 - a constant
_LAST = f"""
SELECT r.day, r.connection_id FROM restatements r WHERE r.at > now() - interval '7 days'
  AND (portal_store() IS NULL OR r.connection_id = portal_store()) AND {_COUNTS} ORDER BY r.at DESC, r.id DESC LIMIT 1
"""  # noqa: S608 - a constant
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Restated(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one store. `times`: how often it changed; `reasons`: kind -> how many, over all of them.

    `counts`: whether the totals of all stores show it; what a source in shadow restates they do not."""

    day: date
    connection_id: int
    store: str
    currency: str
    times: int
    last_at: datetime
    before_revenue: Decimal
    after_revenue: Decimal
    before_orders: int
    after_orders: int
    reasons: dict[str, int]
    counts: bool

    @property
    def why(self) -> str:
        """ "two refunds, one late order"."""
        return in_words(self.reasons)

    @property
    def changed(self) -> bool:
        """Whether it is another total now than the one stated first; a day may have come back to it."""
        return (self.before_revenue, self.before_orders) != (self.after_revenue, self.after_orders)

    @property
    def key(self) -> str:
        """Where the next page goes on."""
        return f"{self.day.isoformat()}:{self.connection_id}:{self.currency}"


def in_words(reasons: Mapping[str, int]) -> str:
    """Counts by kind as a sentence's end: "two refunds, one late order"; the most first."""
    ordered = sorted((count, kind) for kind, count in reasons.items() if kind in KINDS and count)
    return ", ".join(_said(kind, count) for count, kind in reversed(ordered))


async def restated(
    connection: Any, *, store: int | None = None, day: date | None = None, after: str | None = None, limit: int = 50
) -> tuple[list[Restated], str | None]:
    """Restated days, newest first, and the key of the next page. `connection` is of a tenant scope.

    Raises ValueError for an `after` that is none of ours.
    """
    place: tuple[date | None, int | None, str | None] = (None, None, None)
    if after:
        on, of, currency = after.split(":", 2)
        place = (date.fromisoformat(on), int(of), currency)
    rows = await connection.fetch(_DAYS, store, day, *place, limit + 1)
    found = [_restated(row) for row in rows]
    return found[:limit], found[limit - 1].key if len(found) > limit else None


async def last_restated(connection: Any) -> Restated | None:
    """The day that was restated last, of the last seven days, among those that count; of the store that is looked at, where
    one is."""
    row = await connection.fetchrow(_LAST)
    if row is None:
        return None
    rows, _ = await restated(connection, store=row["connection_id"], day=row["day"], limit=1)
    return rows[0] if rows else None


def _restated(row: Any) -> Restated:
    reasons: Counter[str] = Counter()
    for each in msgspec.json.decode(row["reasons"]):
        reasons.update({kind: count for kind, count in each.items() if kind in KINDS})
    return Restated(**{**dict(row), "reasons": dict(reasons)})


def _said(kind: str, count: int) -> str:
    words = KINDS[kind]
    return f"{_number(count)} {words[count > 1]}" if len(words) > 1 else words[0]


def _number(count: int) -> str:
    return _SMALL[count] if count < len(_SMALL) else f"{count:,}"
