"""Which days that were stated already a transaction changes, from what to what, and why (docs/proof.md).

A day is stated once it is over in the organization's zone and a run of its store has ended after it; before the first
complete reading nothing is. What a batch touches is remembered as it was (the ledger has just read it) and compared once at
the end, in one statement, and only rows of stated days are looked at: a batch of today's orders asks nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from portal.tenancy.scope import Scope

KINDS: dict[str, tuple[str, ...]] = {
    "late_orders": ("late order", "late orders"),
    "counted_orders": ("order that counts again", "orders that count again"),
    "edited_orders": ("edited order", "edited orders"),
    "uncounted_orders": ("order that no longer counts", "orders that no longer count"),
    "deleted_orders": ("deleted order", "deleted orders"),
    "refunds": ("refund", "refunds"),
    "edited_refunds": ("edited refund", "edited refunds"),
    "deleted_refunds": ("deleted refund", "deleted refunds"),
    "uncounted_refunds": ("refund of an order that no longer counts", "refunds of orders that no longer count"),
    "uploaded_files": ("uploaded file", "uploaded files"),
    "undone_uploads": ("upload undone", "uploads undone"),
    "recalculated": ("recalculated",),
    "new_exchange_rate": ("new exchange rate",),
    "source_switched": ("source switched",),
}
"""Why a total changed: kind -> one, several; a single word is said without its number. The ledger counts the things it writes;
the others are given to `recalculating.recalculating` by whoever derives days anew."""

# $3 kinds, $4 keys and, where they were stored, $5 days, $6 counted, $7 amounts; $8 days before it are stated.
# An edited thing is taken away (half 0) and added again (half 1): on one day that is one edit.
_LOG = """
WITH touched AS MATERIALIZED (
  SELECT * FROM unnest($3::text[], $4::text[], $5::date[], $6::int[], $7::numeric[]) AS t(kind, key, day, counted, amount)
), pair AS MATERIALIZED (
  SELECT t.kind, t.day IS NULL AS fresh, t.counted = 1 AS had, t.day AS was_day, t.amount AS was,
         r.counted AS has, r.business_day AS is_day, coalesce(r.total_reporting, 0) AS now, r.deleted_at IS NOT NULL AS gone
  FROM touched t CROSS JOIN LATERAL (SELECT counted, business_day, total_reporting, deleted_at FROM orders o
    WHERE o.org_id = $1 AND o.connection_id = $2 AND o.external_id = t.key OFFSET 0) r WHERE t.kind = 'orders'
  UNION ALL
  SELECT t.kind, t.day IS NULL, t.counted = 1, t.day, t.amount,
         r.counted, r.business_day, -coalesce(r.amount_reporting, 0), r.deleted_at IS NOT NULL OR r.unlisted
  FROM touched t CROSS JOIN LATERAL (SELECT counted, business_day, amount_reporting, deleted_at, unlisted FROM refunds f
    WHERE f.org_id = $1 AND f.connection_id = $2 AND f.external_id = t.key OFFSET 0) r WHERE t.kind = 'refunds'
), half AS (
  SELECT CASE WHEN had AND has THEN 'edited_' || kind WHEN had AND gone THEN 'deleted_' || kind WHEN had THEN 'uncounted_' || kind
           WHEN kind = 'refunds' THEN 'refunds' WHEN fresh THEN 'late_orders' ELSE 'counted_orders' END AS reason, h.*
  FROM pair CROSS JOIN LATERAL (VALUES (0, was_day, -was, -(kind = 'orders')::int, had),
                                       (1, is_day, now, (kind = 'orders')::int, has)) AS h(half, day, revenue, orders, counts)
  WHERE h.counts AND h.day < $8 AND (had, was_day, was) IS DISTINCT FROM (has, is_day, now)
), reason AS (
  SELECT day, reason, half, sum(revenue) AS revenue, sum(orders) AS orders, count(*) AS things FROM half GROUP BY 1, 2, 3
), told AS (
  SELECT day, sum(revenue) AS revenue, sum(orders) AS orders,
         jsonb_object_agg(reason, things ORDER BY things) AS reasons  -- of two halves the larger: the last one stays
  FROM reason GROUP BY day HAVING sum(revenue) <> 0 OR sum(orders) <> 0
)
INSERT INTO restatements (org_id, connection_id, day, currency, before_revenue, after_revenue, before_orders, after_orders, reasons)
SELECT $1, $2, t.day, o.reporting_currency, coalesce(s.revenue, 0) - t.revenue, coalesce(s.revenue, 0),
       coalesce(s.orders, 0) - t.orders, coalesce(s.orders, 0), t.reasons
FROM told t CROSS JOIN organizations o CROSS JOIN LATERAL (
  SELECT sum(gross_reporting - refunds_reporting) AS revenue, sum(d.orders) AS orders
  FROM daily_sales d WHERE d.org_id = $1 AND d.connection_id = $2 AND d.day = t.day
) s
WHERE o.id = $1
"""


class Stated(NamedTuple):
    """Days before `day` are stated; it begins at `begins` in the organization's zone."""

    day: date
    begins: datetime


class Part(NamedTuple):
    """What one order or refund contributes to its day: `amount` in the reporting currency, negative for a refund."""

    day: date
    counted: int
    amount: Decimal


class Restating:
    """One transaction's changes to stated days. `stated` None: there are none."""

    def __init__(self, stated: Stated | None) -> None:
        self._stated = stated
        self._before: dict[tuple[str, str], Part] = {}
        self._touched: set[tuple[str, str]] = set()

    def was(self, kind: str, key: str, part: Part) -> None:
        """A stored row is about to change. Only the first word on it counts."""
        if self._stated is None or part.day >= self._stated.day or (kind, key) in self._touched:
            return
        self._touched.add((kind, key))
        self._before[kind, key] = part

    def comes(self, kind: str, key: str, at: datetime) -> None:
        """A row that will stand on the day of `at`."""
        if self._stated is not None and at < self._stated.begins:
            self._touched.add((kind, key))

    @property
    def asks(self) -> bool:
        """Whether anything is logged at all."""
        return self._stated is not None

    async def log(self, scope: Scope, connection_id: int) -> None:
        """After the rows and rollups: write what changed of stated days."""
        if self._stated is None or not self._touched:
            return
        touched = [(*each, *self._before.get(each, (None, 0, None))) for each in self._touched]
        columns = [list(column) for column in zip(*touched, strict=True)]
        await scope.sql.execute(_LOG, scope.org_id, connection_id, *columns, self._stated.day)
