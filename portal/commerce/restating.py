"""Which days that were stated already a transaction changes, from what to what, and why (docs/proof.md).

A day is stated once it is over in the organization's zone and a run of its store has ended after it; before the first
complete reading nothing is. What a batch touches is known as it was (the ledger reads it to judge it) and as it is (the
statement that writes it returns it), so the comparison is made here and not asked for: one statement over the few days that
changed, none when none did. A batch of today's orders does not even have its rows returned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from portal.commerce.restatement_lines import log_lines
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
    "source_removed": ("source removed",),
}
"""Why a total changed: kind -> one, several; a single word is said without its number. The ledger counts the things it writes;
the others are given to `recalculating.recalculating` by whoever derives days anew."""

# $3 days, $4 revenue and $5 orders they changed by, $6 reasons, $7 the work it is part of. One lookup by key per day.
_LOG = log_lines(
    """
  SELECT $2::bigint AS connection_id, t.day, coalesce(s.revenue, 0) - t.revenue AS before_revenue,
         coalesce(s.revenue, 0) AS after_revenue, coalesce(s.orders, 0) - t.orders AS before_orders,
         coalesce(s.orders, 0) AS after_orders, t.reasons
  FROM unnest($3::date[], $4::numeric[], $5::bigint[], $6::jsonb[]) AS t(day, revenue, orders, reasons) CROSS JOIN LATERAL (
    SELECT sum(gross_reporting - refunds_reporting) AS revenue, sum(d.orders)::bigint AS orders
    FROM daily_sales d WHERE d.org_id = $1 AND d.connection_id = $2 AND d.day = t.day OFFSET 0
  ) s""",
    work="$7",
)


class Stated(NamedTuple):
    """Days before `day` are stated; it begins at `begins` in the organization's zone.

    Of a source that counts from a day on, only those from `since` (which begins at `since_begins`): what it says of days before
    stands in no total.
    """

    day: date
    begins: datetime
    since: date | None = None
    since_begins: datetime | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` is stated."""
        return (self.since is None or day >= self.since) and day < self.day

    def holds_time(self, at: datetime) -> bool:
        """Whether the day of `at` is stated."""
        return (self.since_begins is None or at >= self.since_begins) and at < self.begins


class Part(NamedTuple):
    """What one order or refund contributes to its day: `amount` in the reporting currency, negative for a refund."""

    day: date
    counted: int
    amount: Decimal
    gone: bool = False


class Restating:
    """One transaction's changes to stated days. `stated` None: there are none. `work`: see `restatement_lines`."""

    def __init__(self, stated: Stated | None, work: str = "") -> None:
        self._stated = stated
        self._work = work
        self._changes: dict[tuple[str, str], tuple[Part | None, Part]] = {}

    @property
    def asks(self) -> bool:
        """Whether anything is logged at all."""
        return self._stated is not None

    def concerns(self, was: Part | None, at: datetime | None = None) -> bool:
        """Whether a row that was `was`, or one that will stand on the day of `at`, is of a stated day."""
        if self._stated is None:
            return False
        return (was is not None and self._stated.holds(was.day)) or (at is not None and self._stated.holds_time(at))

    def changed(self, kind: str, key: str, was: Part | None, now: Part) -> None:
        """A row of `kind` (orders, refunds) was written. Of several changes the first `was` and the last `now` count."""
        if (known := self._changes.get((kind, key))) is not None:
            self._changes[kind, key] = known[0], now
        elif was != now and (self.concerns(was) or self.concerns(now)):
            self._changes[kind, key] = was, now

    async def log(self, scope: Scope, connection_id: int) -> None:
        """After the rows and rollups: write what changed of stated days; no statement when nothing did."""
        if self._stated is not None and (days := told(self._changes, self._stated)):
            columns = [list(column) for column in zip(*days, strict=True)]
            await scope.sql.execute(_LOG, scope.org_id, connection_id, *columns, self._work)


class _Day:
    def __init__(self) -> None:
        self.revenue, self.orders = Decimal(0), 0
        self.reasons: dict[str, list[int]] = {}


def told(
    changes: Mapping[tuple[str, str], tuple[Part | None, Part]], stated: Stated
) -> list[tuple[date, Decimal, int, str]]:
    """Days that are `stated` whose revenue or number of orders the changes moved: by how much, and the reasons as JSON. Pure.

    A row that counted is taken away from its day and added to the day it stands on now; on one day that is one edit.
    """
    days: defaultdict[date, _Day] = defaultdict(_Day)
    for (kind, _), (was, now) in changes.items():
        reason = _reason(kind, was, now)
        for half, part in enumerate((was, now)):
            if part is None or not part.counted or not stated.holds(part.day) or was == now:
                continue
            day, sign = days[part.day], 1 if half else -1
            day.revenue += sign * part.amount
            day.orders += sign * (kind == "orders")
            day.reasons.setdefault(reason, [0, 0])[half] += 1
    return [
        (day, each.revenue, each.orders, msgspec.json.encode({why: max(n) for why, n in each.reasons.items()}).decode())
        for day, each in sorted(days.items())
        if each.revenue or each.orders
    ]


def _reason(kind: str, was: Part | None, now: Part) -> str:
    if was is not None and was.counted:
        return f"{'edited' if now.counted else 'deleted' if now.gone else 'uncounted'}_{kind}"
    if kind == "refunds":
        return "refunds"
    return "late_orders" if was is None else "counted_orders"
