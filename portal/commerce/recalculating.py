"""Around whatever derives days anew as a whole (a rebuild, a file, another rate or source): what that restates, by day.

The ledger's own batches are told row by row (`restating.py`). Here the days' totals are read before and after, whatever
happened between: the cost follows the number of days, not of rows. Adding a reason is one line in `restating.KINDS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from portal.commerce.restatement_lines import log_lines
from portal.commerce.restating import KINDS
from portal.tenancy.scope import Scope

_LONG = 600.0
# Days that were stated (see restating.py; uploaded files state a day when one is taken over after it), of one store or of all;
# not those that another source counts for (locks.py says the same of the ledger's own batches).
_TOTALS = """
SELECT d.connection_id, d.day, sum(d.gross_reporting - d.refunds_reporting) AS revenue, sum(d.orders)::bigint AS orders
FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id
JOIN daily_sales d ON d.org_id = c.org_id AND d.connection_id = c.id
WHERE c.org_id = $1 AND ($2::bigint IS NULL OR c.id = $2) AND ($3::date[] IS NULL OR d.day = ANY($3))
  AND d.day < (c.last_success_at AT TIME ZONE o.timezone)::date
  AND NOT c.shadow AND d.day >= coalesce(c.counts_from, '-infinity') AND d.day < coalesce(c.counts_until, 'infinity')
  AND (NOT c.polled OR EXISTS (SELECT FROM sync_cursors k WHERE k.org_id = c.org_id AND k.connection_id = c.id
    AND k.stream = 'orders' AND k.phase = 'incremental'))
GROUP BY 1, 2
"""
# $8 the reason, $9: of days that nobody was told anything of yet, nothing is restated. $10 the work it is part of.
_LOG = log_lines(
    """
  SELECT t.connection_id, t.day, t.before_revenue, t.after_revenue, t.before_orders, t.after_orders,
         jsonb_build_object($8::text, 1) AS reasons
  FROM unnest($2::bigint[], $3::date[], $4::numeric[], $5::numeric[], $6::bigint[], $7::bigint[])
    AS t(connection_id, day, before_revenue, after_revenue, before_orders, after_orders)
  WHERE NOT $9 OR t.before_revenue <> 0 OR t.before_orders <> 0 OR EXISTS (SELECT FROM restatements r
    WHERE r.org_id = $1 AND r.connection_id = t.connection_id AND r.day = t.day)""",
    work="$10",
)


class Total(NamedTuple):
    """A day of one store: revenue in the reporting currency, orders that count."""

    revenue: Decimal
    orders: int


class Change(NamedTuple):
    """What one day of one store was stated as, and is now."""

    connection_id: int
    day: date
    was: Total
    now: Total


@asynccontextmanager
async def recalculating(
    scope: Scope,
    why: str,
    *,
    connection_id: int | None = None,
    days: Sequence[date] | None = None,
    first_told: bool = False,
    work: str = "",
) -> AsyncIterator[None]:
    """Log each stated day whose total is another one after the block, in the block's own transaction. The caller holds the
    rows already (`locks`). `days`: the only ones that can change, None for any. `first_told`: days without any figure before
    are told for the first time now, not restated. `work`: see `restatement_lines`.

    Do not wrap a change of the reporting currency: amounts of two currencies have no difference.
    """
    before = await _totals(scope, connection_id, days)
    yield
    after = await _totals(scope, connection_id, days)
    nothing = Total(Decimal(0), 0)
    changes = [
        Change(*key, before.get(key, nothing), after.get(key, nothing))
        for key in sorted(before.keys() | after.keys())
        if before.get(key, nothing) != after.get(key, nothing)
    ]
    await restate(scope, why, changes, first_told=first_told, work=work)


async def restate(
    scope: Scope, why: str, changes: Iterable[Change], *, first_told: bool = False, work: str = ""
) -> None:
    """Write `changes` to the log with the reason `why`, one of `KINDS`."""
    assert why in KINDS, why  # noqa: S101 - a word of the code, never of a request
    rows = [
        (each.connection_id, each.day, each.was.revenue, each.now.revenue, each.was.orders, each.now.orders)
        for each in changes
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await scope.sql.execute(_LOG, scope.org_id, *columns, why, first_told, work)


async def _totals(
    scope: Scope, connection_id: int | None, days: Sequence[date] | None
) -> dict[tuple[int, date], Total]:
    rows = await scope.sql.fetch(_TOTALS, scope.org_id, connection_id, days, timeout=_LONG)
    return {(row["connection_id"], row["day"]): Total(row["revenue"], row["orders"]) for row in rows}
