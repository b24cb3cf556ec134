"""How even two sources are: by day, by SKU, and order by order. Sums are of the rollups; orders are matched by number in SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import msgspec

from portal.commerce.paging import position, token
from portal.parallel.sides import Side, common, day_after
from portal.tenancy.scope import Scope

# Amounts in the currencies of the sales: even sources are even before any rate.
_DAY = """
SELECT day, currency,
  coalesce(sum(orders) FILTER (WHERE connection_id = $1), 0)::bigint AS orders_old,
  coalesce(sum(orders) FILTER (WHERE connection_id = $2), 0)::bigint AS orders_new,
  coalesce(sum(gross - refunds) FILTER (WHERE connection_id = $1), 0) AS revenue_old,
  coalesce(sum(gross - refunds) FILTER (WHERE connection_id = $2), 0) AS revenue_new,
  coalesce(sum(refunds) FILTER (WHERE connection_id = $1), 0) AS refunds_old,
  coalesce(sum(refunds) FILTER (WHERE connection_id = $2), 0) AS refunds_new,
  coalesce(sum(units) FILTER (WHERE connection_id = $1), 0) AS units_old,
  coalesce(sum(units) FILTER (WHERE connection_id = $2), 0) AS units_new,
  sum(unconverted_orders) AS without_rate
FROM daily_sales WHERE org_id = (SELECT portal_org()) AND connection_id IN ($1, $2) AND day >= $3 AND day < $4
GROUP BY day, currency
"""
_EVEN = "(orders_old, revenue_old, refunds_old, units_old) = (orders_new, revenue_new, refunds_new, units_new)"
_DAYS = f"""
SELECT x.*, {_EVEN} AS even FROM ({_DAY}) x WHERE (day, currency) < (coalesce($5, 'infinity'::date), $6::text)
ORDER BY day DESC, currency DESC LIMIT $7
"""  # noqa: S608 - built from constants
_SUMMARY = f"""
SELECT count(DISTINCT day) AS days, count(DISTINCT day) FILTER (WHERE NOT {_EVEN}) AS uneven_days,
       max(day) FILTER (WHERE NOT {_EVEN}) AS last_uneven, coalesce(sum(orders_old), 0)::bigint AS orders_old,
       coalesce(sum(orders_new), 0)::bigint AS orders_new, coalesce(sum(without_rate), 0)::bigint AS without_rate
FROM ({_DAY}) x
"""  # noqa: S608
_SKUS = """
SELECT *, (units_old, revenue_old) = (units_new, revenue_new) AS even FROM (
  SELECT CASE WHEN sku LIKE '#%' THEN '' ELSE sku END AS sku,
    coalesce(sum(units) FILTER (WHERE connection_id = $1), 0) AS units_old,
    coalesce(sum(units) FILTER (WHERE connection_id = $2), 0) AS units_new,
    coalesce(sum(revenue_reporting) FILTER (WHERE connection_id = $1), 0) AS revenue_old,
    coalesce(sum(revenue_reporting) FILTER (WHERE connection_id = $2), 0) AS revenue_new
  FROM daily_sku_sales WHERE org_id = (SELECT portal_org()) AND connection_id IN ($1, $2) AND day >= $3 AND day < $4
  GROUP BY 1
) x ORDER BY abs(revenue_new - revenue_old) DESC, abs(units_new - units_old) DESC, sku LIMIT $5 OFFSET $6
"""
# The same number on both sides is the same order, '#1001' and '1001' too; the nth of several is the nth. Three days around
# the span are read as well: an order that is dated on another day at the other source is different, not missing. Refunds are those
# until the span's end, as after it one of the two may not have them yet. They are joined in FULL, and the condition is one that
# leaves it so: a planner that expects few rows (PostgreSQL's statistics know nothing of a new tenant) would go through all refunds
# once for every order.
_MATCHED = """
WITH bounds AS (
  SELECT portal_midnight($3::date - 3, o.timezone) AS begins, portal_midnight($4::date + 3, o.timezone) AS ends
  FROM organizations o WHERE o.id = (SELECT portal_org())
), numbered AS MATERIALIZED (
  SELECT r.connection_id, r.external_id, r.number AS shown, r.total, r.currency, r.counted, r.business_day, r.business_at,
         coalesce(nullif(upper(ltrim(btrim(r.number), '# ')), ''), r.external_id) COLLATE "C" AS number
  FROM orders r WHERE r.org_id = (SELECT portal_org()) AND r.connection_id IN ($1, $2) AND r.deleted_at IS NULL
    AND r.business_at >= (SELECT begins FROM bounds) AND r.business_at < (SELECT ends FROM bounds)
), given_back AS MATERIALIZED (
  SELECT b.connection_id, b.order_id, sum(b.amount) AS refunded, min(b.business_day) AS first_back, max(b.business_day) AS last_back
  FROM refunds b WHERE b.org_id = (SELECT portal_org()) AND b.connection_id IN ($1, $2) AND b.counted AND b.business_day < $4
    AND b.refunded_at >= (SELECT begins FROM bounds) AND b.refunded_at < (SELECT ends FROM bounds)
  GROUP BY b.connection_id, b.order_id
), nth AS MATERIALIZED (
  SELECT n.*, coalesce(b.refunded, 0) AS refunded, b.first_back, b.last_back,
         row_number() OVER (PARTITION BY n.connection_id, n.number ORDER BY n.business_at, n.external_id) AS nth
  FROM numbered n FULL JOIN given_back b ON b.connection_id = n.connection_id AND b.order_id = n.external_id
  WHERE coalesce(n.external_id, '') <> ''
), matched AS MATERIALIZED (
  SELECT coalesce(o.number, n.number) AS number, coalesce(o.nth, n.nth) AS nth, coalesce(o.shown, n.shown) AS shown,
         o.external_id AS id_old, n.external_id AS id_new, o.total AS total_old, n.total AS total_new,
         o.currency AS currency_old, n.currency AS currency_new, o.business_day AS day_old, n.business_day AS day_new,
         o.counted AS counted_old, n.counted AS counted_new, o.refunded AS refunded_old, n.refunded AS refunded_new,
         o.last_back AS refund_day_old, n.last_back AS refund_day_new,
         CASE WHEN n.number IS NULL THEN 'only_old' WHEN o.number IS NULL THEN 'only_new' ELSE 'different' END AS kind,
         CASE WHEN n.number IS NULL THEN o.counted WHEN o.number IS NULL THEN n.counted
              ELSE (o.counted OR n.counted)
                AND (o.counted, o.total, o.currency, o.business_day, o.refunded, o.first_back, o.last_back)
                IS DISTINCT FROM (n.counted, n.total, n.currency, n.business_day, n.refunded, n.first_back, n.last_back)
              END AS differs
  FROM (SELECT * FROM nth WHERE connection_id = $1) o
  FULL JOIN (SELECT * FROM nth WHERE connection_id = $2) n ON n.number = o.number AND n.nth = o.nth
  WHERE (o.business_day >= $3 AND o.business_day < $4) OR (n.business_day >= $3 AND n.business_day < $4)
)
"""
_ORDERS = f"""{_MATCHED}
SELECT * FROM matched WHERE differs AND (kind, number, nth) > ($5::text, $6::text, $7::bigint) ORDER BY kind, number, nth
"""  # noqa: S608
# The counts come with the page, as the matching is what costs.
_PAGE = f"""{_MATCHED}, counts AS (
  SELECT count(*) FILTER (WHERE differs AND kind = 'only_old') AS only_old,
         count(*) FILTER (WHERE differs AND kind = 'only_new') AS only_new,
         count(*) FILTER (WHERE differs AND kind = 'different') AS different,
         count(*) FILTER (WHERE NOT differs AND (counted_old OR counted_new)) AS same FROM matched
), page AS (
  SELECT * FROM matched WHERE differs AND (kind, number, nth) > ($5::text, $6::text, $7::bigint) ORDER BY kind, number, nth LIMIT $8
)
SELECT c.only_old, c.only_new, c.different, c.same, p.* FROM counts c LEFT JOIN page p ON true ORDER BY p.kind, p.number, p.nth
"""  # noqa: S608
_LONG = 120.0  # seconds


class Span(msgspec.Struct, frozen=True):
    """The days that are compared, half-open, of two sources."""

    old: int
    new: int
    first: date
    end: date

    @property
    def bounds(self) -> tuple[int, int, date, date]:
        return self.old, self.new, self.first, self.end


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """`last_uneven` is the newest day on which the two are not even. `without_rate`: orders of either side whose amounts are in
    no revenue of a SKU."""

    days: int
    uneven_days: int
    last_uneven: date | None
    orders_old: int
    orders_new: int
    without_rate: int


class _Day(msgspec.Struct, array_like=True):
    day: date
    currency: str


class _Order(msgspec.Struct, array_like=True):
    kind: str
    number: str
    nth: int


def span_of(new: Side, old: Side, days: int | None = None) -> Span | None:
    """What can be compared: the days both have completely, the last `days` of them. None: not one."""
    shared = common(new, old)
    if shared is None:
        return None
    first, end = shared
    return Span(old.id, new.id, max(first, end - timedelta(days=days)) if days else first, end)


def best_day(span: Span, found: Summary) -> date:
    """The first day from which on the two are even until the last one compared; the day after it when that one is not."""
    return span.first if found.last_uneven is None else day_after(found.last_uneven)


async def summary(scope: Scope, span: Span) -> Summary:
    """How many days there are sales on, and on how many the two differ."""
    return Summary(**dict(await scope.sql.fetchrow(_SUMMARY, *span.bounds)))


async def days(
    scope: Scope, span: Span, after: str | None = None, limit: int = 31
) -> tuple[list[dict[str, Any]], str | None]:
    """Days by currency, newest first, and the next page's token. Raises `BadRequest` for a token that is none."""
    last = position(after, _Day) if after else None
    place = (last.day, last.currency) if last else (None, "")
    rows = [dict(row) for row in await scope.sql.fetch(_DAYS, *span.bounds, *place, limit + 1)]
    more = token(_Day(rows[limit - 1]["day"], rows[limit - 1]["currency"])) if len(rows) > limit else None
    return rows[:limit], more


async def skus(scope: Scope, span: Span, page: int = 1, limit: int = 50) -> tuple[list[dict[str, Any]], bool]:
    """Items, the most different first, and whether there is a further page. Items without a SKU are one: '' ."""
    rows = await scope.sql.fetch(_SKUS, *span.bounds, limit + 1, (page - 1) * limit, timeout=_LONG)
    return [dict(row) for row in rows[:limit]], len(rows) > limit


async def orders(
    scope: Scope, span: Span, after: str | None = None, limit: int = 50
) -> tuple[list[dict[str, Any]], str | None, dict[str, int]]:
    """Orders that are in one only or differ, the next page's token, and how many there are of each kind, with the same.

    Raises `BadRequest` for a token that is none.
    """
    last = position(after, _Order) if after else _Order("", "", 0)
    place = (last.kind, last.number, last.nth)
    found = [dict(row) for row in await scope.sql.fetch(_PAGE, *span.bounds, *place, limit + 1, timeout=_LONG)]
    counts = {name: found[0][name] for name in ("only_old", "only_new", "different", "same")}
    rows = [row for row in found if row["kind"] is not None]
    more = token(_Order(*(rows[limit - 1][name] for name in ("kind", "number", "nth")))) if len(rows) > limit else None
    return rows[:limit], more, counts


async def stream(scope: Scope, what: str, span: Span) -> AsyncIterator[Any]:
    """All rows of "days", "skus" or "orders", as they come from the database: for a download of any length."""
    statements = {
        "days": (_DAYS, (None, "", None)),
        "skus": (_SKUS, (None, 0)),
        "orders": (_ORDERS, ("", "", 0)),
    }
    sql, more = statements[what]
    async for row in scope.sql.cursor(sql, *span.bounds, *more, prefetch=500):
        yield row
