"""From quotes (what somebody gave, what a source published) to the rates the ledger converts by.

A quote says what one currency cost in another on a day. `exchange_rates` is what follows of them for the reporting currency:
given directly where somebody did, else as a cross rate of two quotes of one base, one day and one kind of source. Of several
answers for a day the given one wins over the fetched one, the direct one over the cross rate, the later one over the earlier.
Decisions: docs/adr/0012-exchange-rates.md.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from portal.tenancy.scope import Scope

SIGNIFICANT = 15
"""Digits of a calculated rate: a sum of 10^12 is right to the third decimal. Rates given directly are kept as given."""
_ROUNDING = Context(prec=SIGNIFICANT, rounding=ROUND_HALF_EVEN)
_LONG = 120.0

_QUOTES = """
SELECT q.day, q.base_currency, q.currency, q.rate, q.of_base, q.source, q.given_at FROM exchange_quotes q
WHERE q.currency = ANY($1::text[]) AND ($2::date[] IS NULL OR q.day = ANY($2))
UNION ALL
SELECT p.day, p.base_currency, p.currency, p.rate, p.of_base, 'fetched', NULL FROM published_rates p
WHERE p.currency = ANY($1::text[]) AND ($2::date[] IS NULL OR p.day = ANY($2))
  AND EXISTS (SELECT FROM organizations o WHERE o.rates_fetched)
ORDER BY 1
"""
_STORED = """
SELECT currency, day, rate, source, via_currency FROM exchange_rates
WHERE currency = ANY($1::text[]) AND ($2::date[] IS NULL OR day = ANY($2))
"""
_PUT = """
INSERT INTO exchange_rates AS x (org_id, currency, day, rate, source, via_currency)
SELECT $1, * FROM unnest($2::text[], $3::date[], $4::numeric[], $5::text[], $6::text[])
ON CONFLICT (org_id, currency, day) DO UPDATE
SET rate = excluded.rate, source = excluded.source, via_currency = excluded.via_currency
"""


class Quote(NamedTuple):
    """`of_base`: 1 base = `rate` currency; else 1 currency = `rate` base. `source` is hand, file or fetched."""

    day: date
    base: str
    currency: str
    rate: Decimal
    of_base: bool
    source: str
    given_at: datetime | None


class Worth(NamedTuple):
    """What one unit of a currency is worth in the reporting currency, where from, and through which base (None: directly)."""

    rate: Decimal
    source: str
    via: str | None


class Shift(NamedTuple):
    """A stored rate that became another one; None: there was none, there is none any more. `was`: where it was from."""

    currency: str
    day: date
    before: Decimal | None
    after: Decimal | None
    was: str | None


def worth(quotes: Iterable[Quote], currency: str, reporting: str) -> Worth | None:
    """The worth of `currency` by one day's quotes; None when they do not tell."""
    bases: dict[tuple[bool, str], dict[str, Quote]] = defaultdict(dict)
    for quote in quotes:
        bases[quote.source == "fetched", quote.base][quote.currency] = quote
    found = []
    for (fetched, base), known in bases.items():
        one, other = known.get(currency), known.get(reporting)
        if (one is None and currency != base) or (other is None and reporting != base):
            continue
        told = one or other
        assert told is not None  # noqa: S101 - the base cannot be both
        direct = base in {reporting, currency}
        at = told.given_at.timestamp() if told.given_at else 0.0
        found.append(((fetched, not direct, -at, base), _cross(one, other), told.source, None if direct else base))
    if not found:
        return None
    _, rate, source, via = min(found, key=lambda each: each[0])
    return Worth(rate, source, via)


def _cross(one: Quote | None, other: Quote | None) -> Decimal:
    """The worth of `one`'s currency in `other`'s; None stands for the base itself."""
    if other is None and one is not None and not one.of_base:
        return one.rate
    if one is None and other is not None and other.of_base:
        return other.rate
    exact = _in_base(one) / _in_base(other)
    return _ROUNDING.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def _in_base(quote: Quote | None) -> Fraction:
    if quote is None:
        return Fraction(1)
    return 1 / Fraction(quote.rate) if quote.of_base else Fraction(quote.rate)


async def alone(scope: Scope) -> None:
    """One change of an organization's rates at a time, until the end of the transaction. Taken before any commerce lock."""
    await scope.sql.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('rates:' || $1::uuid::text, 0))", scope.org_id, timeout=_LONG
    )


async def derive(scope: Scope, currencies: Collection[str], days: Collection[date] | None = None) -> list[Shift]:
    """Make `exchange_rates` of these currencies (and days, None for all) what the quotes say; what that changed, by day.

    Needs `alone`. Rows converted by an older rate stay as they are: see `rerating`.
    """
    reporting: str = await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")
    wanted = sorted(set(currencies) - {reporting})
    if not wanted or (days is not None and not days):
        return []
    named, dates = [*wanted, reporting], None if days is None else sorted(days)
    by_day: dict[date, list[Quote]] = defaultdict(list)
    for row in await scope.sql.fetch(_QUOTES, named, dates, timeout=_LONG):
        by_day[row[0]].append(Quote(*row))
    stored = {(row[0], row[1]): Worth(row[2], row[3], row[4]) for row in await scope.sql.fetch(_STORED, wanted, dates)}
    due = await asyncio.to_thread(_due, by_day, wanted, reporting)  # a bank's whole history takes a second
    put = [(*key, *made) for key, made in due.items() if stored.get(key) != made]
    gone = [key for key in stored if key not in due]
    if put:
        columns = [list(column) for column in zip(*put, strict=True)]
        await scope.sql.execute(_PUT, scope.org_id, *columns, timeout=_LONG)
    if gone:
        await scope.sql.execute(
            "DELETE FROM exchange_rates x USING unnest($1::text[], $2::date[]) AS g(currency, day)"
            " WHERE x.currency = g.currency AND x.day = g.day",
            *[list(column) for column in zip(*gone, strict=True)],
        )
    touched = sorted({(each[0], each[1]) for each in put} | set(gone))
    shifts = [_shift(each, day, stored.get((each, day)), due.get((each, day))) for each, day in touched]
    return [shift for shift in shifts if shift.before != shift.after]


def _due(by_day: Mapping[date, list[Quote]], wanted: Sequence[str], reporting: str) -> dict[tuple[str, date], Worth]:
    return {
        (each, day): made
        for day, quotes in by_day.items()
        for each in wanted
        if (made := worth(quotes, each, reporting))
    }


def _shift(currency: str, day: date, before: Worth | None, after: Worth | None) -> Shift:
    return Shift(
        currency, day, before.rate if before else None, after.rate if after else None, before.source if before else None
    )


_USED = """
SELECT currency FROM daily_sales GROUP BY currency
UNION SELECT store_currency::text FROM client_api_credentials WHERE store_currency IS NOT NULL
"""


async def used(scope: Scope) -> set[str]:
    """The currencies that the organization sells in, or whose stores say they do; without the reporting currency."""
    found = {row[0] for row in await scope.sql.fetch(_USED)}
    return found - {await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")}


_UNRATED = """
SELECT n.currency, o.reporting_currency::text AS reporting FROM organizations o CROSS JOIN (
  SELECT store_currency::text AS currency, true AS told FROM client_api_credentials WHERE id = $1 AND store_currency IS NOT NULL
  UNION SELECT currency, false FROM daily_sales WHERE connection_id = $1 AND unconverted_orders > 0
) n
WHERE n.currency <> o.reporting_currency AND (NOT n.told OR NOT EXISTS (SELECT FROM exchange_rates x
  WHERE x.currency = n.currency AND x.day > (portal_now() AT TIME ZONE o.timezone)::date - o.rates_hold_days))
GROUP BY 1, 2 ORDER BY 1
"""


async def unrated(scope: Scope, connection_id: int) -> list[tuple[str, str]]:
    """(currency, reporting currency) for every currency of a store that lacks rates: for today, or for orders it has."""
    return [(row[0], row[1]) for row in await scope.sql.fetch(_UNRATED, connection_id)]
