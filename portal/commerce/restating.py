"""Which days that were stated already a transaction changes, from what to what, and why (docs/proof.md).

A day is stated once it is over in the organization's zone and a run of its store has ended after it; before the first
complete reading nothing is. What a batch touches is remembered as it was (the ledger has just read it), read again once at
the end, and only rows of stated days are looked at: a batch of today's orders asks nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from portal.tenancy.scope import Scope

KINDS: dict[str, tuple[str, str]] = {
    "late_orders": ("late order", "late orders"),
    "counted_orders": ("order that counts again", "orders that count again"),
    "edited_orders": ("edited order", "edited orders"),
    "uncounted_orders": ("order that no longer counts", "orders that no longer count"),
    "deleted_orders": ("deleted order", "deleted orders"),
    "refunds": ("refund", "refunds"),
    "edited_refunds": ("edited refund", "edited refunds"),
    "deleted_refunds": ("deleted refund", "deleted refunds"),
    "uncounted_refunds": ("refund of an order that no longer counts", "refunds of orders that no longer count"),
}
"""Why a total changed: kind -> one, several."""

_AFTER = """
SELECT 'orders' AS kind, external_id, business_day, counted::int AS counted, coalesce(total_reporting, 0) AS amount,
       deleted_at IS NOT NULL AS gone
FROM orders WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])
UNION ALL SELECT 'refunds', external_id, business_day, counted::int, -coalesce(amount_reporting, 0),
       deleted_at IS NOT NULL OR unlisted
FROM refunds WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($4::text[])
"""
_LOG = """
INSERT INTO restatements (org_id, connection_id, day, currency, before_revenue, after_revenue, before_orders, after_orders, reasons)
SELECT $1, $2, u.day, o.reporting_currency, coalesce(s.revenue, 0) - u.revenue, coalesce(s.revenue, 0),
       coalesce(s.orders, 0) - u.orders, coalesce(s.orders, 0), u.reasons::jsonb
FROM unnest($3::date[], $4::numeric[], $5::bigint[], $6::text[]) AS u(day, revenue, orders, reasons)
CROSS JOIN organizations o
CROSS JOIN LATERAL (
  SELECT sum(gross_reporting - refunds_reporting) AS revenue, sum(d.orders) AS orders
  FROM daily_sales d WHERE d.org_id = $1 AND d.connection_id = $2 AND d.day = u.day
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

    @property
    def revenue(self) -> Decimal:
        return self.amount if self.counted else Decimal(0)


@dataclass(slots=True)
class _Day:
    revenue: Decimal = Decimal(0)
    orders: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


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
        if not self._touched or self._stated is None:
            return
        names: dict[str, list[str]] = {"orders": [], "refunds": []}
        for kind, key in self._touched:
            names[kind].append(key)
        whose = (scope.org_id, connection_id)
        rows = await scope.sql.fetch(_AFTER, *whose, names["orders"], names["refunds"])
        after = {(r[0], r[1]): (Part(r[2], r[3], r[4]), r[5]) for r in rows}
        days: defaultdict[date, _Day] = defaultdict(_Day)
        for kind, key in self._touched:
            now, gone = after.get((kind, key), (None, True))
            for part, sign, reason in _moves(kind, self._before.get((kind, key)), now, gone):
                if part.day < self._stated.day:
                    found = days[part.day]
                    found.revenue += sign * part.revenue
                    found.orders += sign * part.counted * (kind == "orders")
                    found.reasons[reason] += 1
        told = {day: each for day, each in days.items() if each.revenue or each.orders}
        if told:
            await scope.sql.execute(
                _LOG,
                *whose,
                list(told),
                [each.revenue for each in told.values()],
                [each.orders for each in told.values()],
                [msgspec.json.encode(_each_once(each.reasons)).decode() for each in told.values()],
            )


def _moves(kind: str, before: Part | None, now: Part | None, gone: bool) -> Iterator[tuple[Part, int, str]]:
    """What is taken from a day (-1) and what is added to one (+1), with its reason; nothing for an equal part."""
    had, has = before is not None and before.counted, now is not None and now.counted
    if had and has and before == now:
        return
    if had and has:
        reason = f"edited_{kind}"
    elif had:
        reason = f"deleted_{kind}" if gone else f"uncounted_{kind}"
    elif kind == "refunds":
        reason = "refunds"
    else:
        reason = "late_orders" if before is None else "counted_orders"
    if had and before is not None:
        yield before, -1, reason
    if has and now is not None:
        yield now, 1, f"{reason}+" if had else reason


def _each_once(reasons: Counter[str]) -> dict[str, int]:
    """An edited thing is taken away and added again: on one day that is one edit, else each day has its own half."""
    kinds = {reason.rstrip("+") for reason in reasons}
    return {kind: max(reasons[kind], reasons[f"{kind}+"]) for kind in KINDS if kind in kinds}
