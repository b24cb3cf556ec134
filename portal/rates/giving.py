"""What changes rates: somebody gives or removes one, the source has published, a currency is sold in for the first time.

Each is one transaction under `exchange.alone`: the quote, the rates that follow of it, and the recalculation asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from portal.commerce import exchange
from portal.commerce.exchange import Shift
from portal.rates import recalculations
from portal.rates.given import Given
from portal.tenancy.scope import Scope

_PUT = """
INSERT INTO exchange_quotes AS q (org_id, day, base_currency, currency, rate, of_base, source, given_by, given_at)
SELECT $1, u.*, $7, $8, clock_timestamp() FROM unnest($2::date[], $3::text[], $4::text[], $5::numeric[], $6::boolean[]) AS u
ON CONFLICT (org_id, day, base_currency, currency) DO UPDATE
SET rate = excluded.rate, of_base = excluded.of_base, source = excluded.source, given_by = excluded.given_by,
  given_at = excluded.given_at
WHERE (q.rate, q.of_base, q.source) IS DISTINCT FROM (excluded.rate, excluded.of_base, excluded.source)
"""
_MANY_DAYS = 1_000


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to one currency: days with a rate where there was none, with another, with none any more; of the
    changed ones those that were fetched. `orders` of its days, of them `unconverted` until now."""

    currency: str
    new: int
    changed: int
    gone: int
    fetched: int
    first: date
    last: date
    orders: int = 0
    unconverted: int = 0


async def give(scope: Scope, given: Sequence[Given], source: str, by: str) -> list[Shift]:
    """Store quotes (`source` hand or file), derive, and ask for the rows; the rates that changed."""
    await exchange.alone(scope)
    if given:
        columns = [list(column) for column in zip(*map(msgspec.structs.astuple, given), strict=True)]
        await scope.sql.execute(_PUT, scope.org_id, *columns, source, by, timeout=120)
    # A currency that is given by hand is wanted; a file brings forty, of which those that are sold in count.
    wanted = {name for each in given for name in (each.currency, each.base)} if source == "hand" else set[str]()
    shifts = await _track(scope, wanted)
    shifts += await exchange.derive(scope, await tracked(scope), {each.day for each in given})
    await recalculations.request(scope, shifts, by)
    return shifts


async def remove(
    scope: Scope, currency: str, day: date, by: str, base: str | None = None
) -> tuple[list[str], list[Shift]]:
    """Forget what was given of a currency on a day, of one `base` or of all: what that was ("1 SEK = 0.09 EUR"), empty when there
    was nothing, and the rates that changed (a fetched one may take its place)."""
    await exchange.alone(scope)
    gone = await scope.sql.fetch(
        """DELETE FROM exchange_quotes q USING organizations o WHERE q.day = $2 AND CASE WHEN $3::text IS NULL
             THEN q.currency = $1 OR (q.base_currency = $1 AND q.currency = o.reporting_currency)
             ELSE q.currency = $1 AND q.base_currency = $3 END
           RETURNING q.base_currency AS base, q.currency, q.rate, q.of_base""",
        currency,
        day,
        base,
    )
    if not gone:
        return [], []
    shifts = await exchange.derive(scope, await tracked(scope), {day})
    await recalculations.request(scope, shifts, by)
    return [_sentence(*row) for row in gone], shifts


def _sentence(base: str, currency: str, rate: Decimal, of_base: bool) -> str:
    one, other = (base, currency) if of_base else (currency, base)
    return f"1 {one} = {rate:f} {other}"


async def follow(scope: Scope) -> list[Shift]:
    """Bring the organization up to what the source has published and to the currencies it sells in by now."""
    await exchange.alone(scope)
    shifts = await _track(scope, set())
    version: int = await scope.sql.fetchval("SELECT version FROM rate_source")
    applied: int = await scope.sql.fetchval("SELECT applied FROM rate_states") or 0
    if applied < version:
        rows = await scope.sql.fetch("SELECT DISTINCT day FROM published_rates WHERE version > $1", applied)
        days = {row[0] for row in rows} if len(rows) < _MANY_DAYS else None
        shifts += await exchange.derive(scope, await tracked(scope), days)
        await scope.sql.execute("UPDATE rate_states SET applied = $1", version)
    await recalculations.request(scope, shifts, "the rates' source")
    return shifts


async def settle(scope: Scope, *, hold_days: int, fetched: bool, by: str) -> None:
    """How long a rate holds, and whether fetched ones are used; everything is judged anew."""
    await exchange.alone(scope)
    before: int = await scope.sql.fetchval("SELECT rates_hold_days FROM organizations")
    await scope.sql.execute("UPDATE organizations SET rates_hold_days = $1, rates_fetched = $2", hold_days, fetched)
    currencies = await tracked(scope)
    shifts = await exchange.derive(scope, currencies)
    if hold_days == before:
        await recalculations.request(scope, shifts, by)
    elif currencies:
        await recalculations.ask(scope, "rates", by, currencies=sorted(currencies))


async def tracked(scope: Scope) -> set[str]:
    """The currencies whose rates are kept derived."""
    found = await scope.sql.fetchval("SELECT currencies FROM rate_states")
    return set(found or ())


async def in_use(scope: Scope) -> set[str]:
    """The currencies whose quotes matter by now: those that are tracked or sold in, and the reporting currency."""
    reporting: str = await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")
    return await tracked(scope) | await exchange.used(scope) | {reporting}


async def _track(scope: Scope, wanted: Collection[str]) -> list[Shift]:
    """Keep these and all currencies in use derived from now on; the rates that newly follow."""
    reporting: str = await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")
    known = await tracked(scope)
    new = (await exchange.used(scope) | set(wanted)) - known - {reporting}
    await scope.sql.execute(
        """INSERT INTO rate_states (org_id, applied, currencies) SELECT $1, version, $2 FROM rate_source
           ON CONFLICT (org_id) DO UPDATE SET currencies = excluded.currencies""",
        scope.org_id,
        sorted(known | new),
    )
    return await exchange.derive(scope, new)


async def effects(scope: Scope, shifts: Sequence[Shift]) -> list[Effect]:
    """`shifts` by currency, with the orders they concern; the most first."""
    hold: int = await scope.sql.fetchval("SELECT rates_hold_days FROM organizations")
    found = []
    for currency in {shift.currency for shift in shifts}:
        own = [shift for shift in shifts if shift.currency == currency]
        kinds = Counter("new" if s.before is None else "gone" if s.after is None else "changed" for s in own)
        first, last = min(s.day for s in own), max(s.day for s in own)
        orders, unconverted = await scope.sql.fetchrow(
            """SELECT coalesce(sum(orders), 0)::bigint, coalesce(sum(unconverted_orders), 0)::bigint FROM daily_sales
               WHERE currency = $1 AND day >= $2 AND day < $3""",
            currency,
            first,
            last + timedelta(days=hold),
        )
        found.append(
            Effect(
                currency=currency,
                new=kinds["new"],
                changed=kinds["changed"],
                gone=kinds["gone"],
                fetched=sum(s.was == "fetched" for s in own),
                first=first,
                last=last,
                orders=orders,
                unconverted=unconverted,
            )
        )
    return sorted(found, key=lambda each: (-each.orders, each.currency))
