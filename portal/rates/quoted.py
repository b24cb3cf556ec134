"""Quotes that were given and that no rate follows from: 1 NOK = 0.09 USD, while totals are in euro and USD has no rate that day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from portal.commerce import exchange
from portal.tenancy.scope import Scope

# A rate follows from a quote of its day: directly (its base is one of the two currencies), or through the quote's base.
_IDLE = """
SELECT q.day, q.base_currency AS base, q.currency, q.rate, q.of_base, q.source, q.given_by,
       EXISTS (SELECT FROM exchange_rates x WHERE x.currency = $1 AND x.day = q.day) AS rated
FROM exchange_quotes q JOIN organizations o ON o.id = q.org_id
WHERE $1 <> o.reporting_currency AND (q.currency = $1 OR (q.base_currency = $1 AND q.currency = o.reporting_currency))
  AND NOT EXISTS (
  SELECT FROM exchange_rates x WHERE x.currency = $1 AND x.day = q.day AND x.source <> 'fetched'
    AND CASE WHEN x.via_currency IS NULL THEN q.base_currency IN ($1, o.reporting_currency::text)
             ELSE q.base_currency = x.via_currency END)
ORDER BY q.day DESC, q.base_currency LIMIT $2
"""
_KNOWN = """
SELECT o.reporting_currency <> $1 AND (EXISTS (SELECT FROM exchange_rates WHERE currency = $1)
  OR EXISTS (SELECT FROM exchange_quotes q WHERE q.currency = $1) OR $2)
FROM organizations o
"""


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """A quote as it was given (`of_base`: see `given.Given`); `rated`: its day has a rate all the same, by another one."""

    day: date
    base: str
    currency: str
    rate: Decimal
    of_base: bool
    source: str
    given_by: str
    rated: bool


async def idle(scope: Scope, currency: str, limit: int) -> list[Idle]:
    """The given quotes of a currency that its rates do not follow from, newest first."""
    return [Idle(**dict(row)) for row in await scope.sql.fetch(_IDLE, currency, limit)]


async def known(scope: Scope, currency: str) -> bool:
    """Whether the currency has a page: it is not the reporting one, and is sold in, or has a rate, or a quote was given."""
    return bool(await scope.sql.fetchval(_KNOWN, currency, currency in await exchange.used(scope)))
