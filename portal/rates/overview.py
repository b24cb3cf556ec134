"""What the page of currencies shows: each currency sold in with its orders, its last rate and what is missing; the source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from portal.commerce import exchange
from portal.tenancy.scope import Scope

_CURRENCIES = """
SELECT t.currency, coalesce(s.orders, 0)::bigint AS orders, coalesce(s.unconverted, 0)::bigint AS unconverted,
       s.first_missing, s.last_missing, coalesce(s.missing_days, 0)::bigint AS missing_days, r.day, r.rate, r.source, r.via,
       coalesce(p.points, '{}') AS points, r.first_day
FROM unnest($1::text[]) AS t(currency)
LEFT JOIN (
  SELECT d.currency, sum(d.orders) AS orders, sum(d.unconverted_orders) AS unconverted,
         min(d.day) FILTER (WHERE d.unconverted_orders > 0) AS first_missing,
         max(d.day) FILTER (WHERE d.unconverted_orders > 0) AS last_missing,
         count(DISTINCT d.day) FILTER (WHERE d.unconverted_orders > 0) AS missing_days
  FROM daily_sales d GROUP BY d.currency
) s ON s.currency = t.currency
LEFT JOIN LATERAL (
  SELECT x.day, x.rate, x.source, x.via_currency AS via,
         (SELECT min(f.day) FROM exchange_rates f WHERE f.currency = t.currency) AS first_day
  FROM exchange_rates x WHERE x.currency = t.currency ORDER BY x.day DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
  SELECT array_agg(y.rate ORDER BY y.day) AS points
  FROM (SELECT x.day, x.rate FROM exchange_rates x WHERE x.currency = t.currency ORDER BY x.day DESC LIMIT 60) y
) p ON true
ORDER BY 2 DESC, 1
"""


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """`day`, `rate`, `source`, `via` are of the newest rate, None without any. `age` in days; `holds`: it still counts today."""

    currency: str
    orders: int
    unconverted: int
    first_missing: date | None
    last_missing: date | None
    missing_days: int
    day: date | None
    rate: Decimal | None
    source: str | None
    via: str | None
    points: Sequence[Decimal]
    first_day: date | None
    age: int | None = None
    holds: bool = False
    since: date | None = None

    @property
    def reason(self) -> str:
        """Why orders are outside the totals: "no rate since 3 Nov 2026", "no rate before …", "no rate for 4 days"."""
        if self.day is None:
            return "no rate yet"
        if self.since is not None and self.last_missing is not None and self.last_missing >= self.since:
            return f"no rate since {_short(self.since)}"
        if self.first_day and self.last_missing and self.last_missing < self.first_day:
            return f"no rate before {_short(self.first_day)}"
        return f"no rate for {self.missing_days:,} {'day' if self.missing_days == 1 else 'days'}"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The installation's configured source; `error` is of its last attempt."""

    address: str
    succeeded_at: datetime | None
    tried_at: datetime | None
    newest_day: date | None
    failures: int
    error: str | None
    advice: str | None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What the organization has settled, and its today."""

    reporting: str
    timezone: str
    hold_days: int
    fetched: bool
    today: date


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One day's rate, and the one of the day before it that had one."""

    currency: str
    day: date
    rate: Decimal
    source: str
    via: str | None
    before: Decimal | None
    given_by: str | None

    @property
    def change_pct(self) -> Decimal | None:
        return None if not self.before else 100 * (self.rate - self.before) / self.before


async def settled(scope: Scope) -> Settled:
    """The organization's own row."""
    row = await scope.sql.fetchrow(
        """SELECT reporting_currency::text AS reporting, timezone, rates_hold_days AS hold_days, rates_fetched AS fetched,
             (portal_now() AT TIME ZONE timezone)::date AS today FROM organizations"""
    )
    return Settled(**dict(row))


async def in_use(scope: Scope, now: Settled) -> list[InUse]:
    """Every currency but the reporting one that is sold in, that a store has, or that rates were given for."""
    given = await scope.sql.fetchval("SELECT currencies FROM rate_states") or []
    rated = {
        row[0] for row in await scope.sql.fetch("SELECT DISTINCT currency FROM exchange_quotes WHERE source = 'hand'")
    }
    names = (await exchange.used(scope) | (set(given) & rated)) - {now.reporting}
    return [_aged(InUse(**dict(row)), now) for row in await scope.sql.fetch(_CURRENCIES, sorted(names))]


async def source(scope: Scope) -> Source:
    """How the configured source fares."""
    row = await scope.sql.fetchrow(
        "SELECT address, succeeded_at, tried_at, newest_day, failures, error, advice FROM rate_source"
    )
    return Source(**dict(row))


async def rates_of(scope: Scope, currency: str, *, before: date | None = None, limit: int = 60) -> list[Rate]:
    """The rates of a currency, newest first, below the day `before`."""
    rows = await scope.sql.fetch(
        """SELECT x.currency, x.day, x.rate, x.source, x.via_currency AS via,
             (SELECT b.rate FROM exchange_rates b WHERE b.currency = x.currency AND b.day < x.day
              ORDER BY b.day DESC LIMIT 1) AS before,
             (SELECT q.given_by FROM exchange_quotes q WHERE q.day = x.day AND x.source <> 'fetched'
                AND (q.currency = x.currency OR q.base_currency = x.currency) ORDER BY q.given_at DESC LIMIT 1) AS given_by
           FROM exchange_rates x WHERE x.currency = $1 AND ($2::date IS NULL OR x.day < $2) ORDER BY x.day DESC LIMIT $3""",
        currency,
        before,
        limit,
    )
    return [Rate(**dict(row)) for row in rows]


async def all_rates(scope: Scope, limit: int = 200_000) -> list[tuple[date, str, Decimal, str, str, str]]:
    """(day, currency, rate, reporting currency, source, via) of everything the ledger converts by."""
    rows = await scope.sql.fetch(
        """SELECT x.day, x.currency, x.rate, o.reporting_currency::text, x.source, coalesce(x.via_currency, '')
           FROM exchange_rates x JOIN organizations o ON o.id = x.org_id ORDER BY x.day DESC, x.currency LIMIT $1""",
        limit,
        timeout=60,
    )
    return [tuple(row) for row in rows]


async def missing_days(scope: Scope, currency: str, limit: int = 400) -> list[tuple[date, int]]:
    """(day, orders) that have no rate, newest first."""
    rows = await scope.sql.fetch(
        """SELECT day, sum(unconverted_orders)::bigint FROM daily_sales WHERE currency = $1 AND unconverted_orders > 0
           GROUP BY day ORDER BY day DESC LIMIT $2""",
        currency,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


def _aged(found: InUse, now: Settled) -> InUse:
    if found.day is None:
        return found
    since = found.day + timedelta(days=now.hold_days)
    age = max(0, (now.today - found.day).days)
    return msgspec.structs.replace(found, age=age, holds=since > now.today, since=since)


def _short(day: date) -> str:
    return day.strftime("%-d %b %Y")
