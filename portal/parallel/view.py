"""What the comparison's page shows: which two sources, what of them, and what may be done now."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from portal.foundation.errors import Missing
from portal.parallel import parity, switching
from portal.parallel.sides import Side, every, mark
from portal.stores.connection import StoreConnection
from portal.tenancy.scope import Scope

_BOTH = (
    "orders_old",
    "orders_new",
    "revenue_old",
    "revenue_new",
    "refunds_old",
    "refunds_new",
    "units_old",
    "units_new",
)
CSV_COLUMNS: dict[str, tuple[str, ...]] = {
    "days": ("day", "currency", *_BOTH, "even"),
    "skus": ("sku", "units_old", "units_new", "revenue_old", "revenue_new", "even"),
    "orders": (
        *("kind", "shown", "id_old", "id_new", "day_old", "day_new", "total_old", "currency_old", "total_new"),
        *(
            "currency_new",
            "counted_old",
            "counted_new",
            "refunded_old",
            "refund_day_old",
            "refunded_new",
            "refund_day_new",
        ),
    ),
}
"""The columns of a download: `old` is the source that counts, `new` the one that is to replace it."""

# What only the old one has: lost to view if the new one replaced it entirely, or if the old one were removed.
_ALONE = """
SELECT count(DISTINCT day) AS days, coalesce(sum(orders), 0)::bigint AS orders,
       coalesce(sum(unconverted_orders), 0)::bigint AS without_rate,
       coalesce(sum(gross_reporting - refunds_reporting), 0) AS revenue, min(day) AS first
FROM daily_sales WHERE org_id = (SELECT portal_org()) AND connection_id = $1 AND ($2::date IS NULL OR day < $2)
  AND ($3::date IS NULL OR day >= $3)
"""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """`new` is the store of the page. `old` None: nothing to compare with; `span` None: no day that both have whole."""

    new: Side
    old: Side | None
    others: list[Side]
    span: parity.Span | None
    history: list[switching.Switch]

    @property
    def active(self) -> switching.Switch | None:
        """The newest switch that holds and whose two sources are still connected."""
        held = (each for each in self.history if each.undone_at is None and each.old_id and each.new_id)
        return next(held, None)


async def compared(scope: Scope, store: StoreConnection, against: int | None, days: int | None) -> Compared:
    """The store and what it is compared with: what is asked for, else what it replaced, else files, else what counts;
    of those the first that has orders.

    Raises `Missing` for another source that is not there.
    """
    sides = {each.id: each for each in await every(scope)}
    new = sides.pop(store.id)
    past = await switching.history(scope, store.id)
    if against is not None and against not in sides:
        raise Missing("There is no such store to compare with.")
    replaced = [each.old_id for each in past if each.undone_at is None and each.new_id == store.id]
    succeeded = [each.new_id for each in past if each.undone_at is None and each.old_id == store.id]
    counting = [each.id for each in sides.values() if not each.shadow]
    chosen = [against] if against is not None else [*replaced, *succeeded, *counting, *sides]
    there = [sides[each] for each in chosen if each in sides]
    old = next((each for each in there if each.first_day is not None), there[0] if there else None)
    span = parity.span_of(new, old, days) if old else None
    return Compared(new=new, old=old, others=list(sides.values()), span=span, history=past)


async def offer(scope: Scope, found: Compared, query: Any) -> dict[str, Any]:
    """The rows that are shown, and the switch that is offered with what it would leave out."""
    facts = await scope.sql.fetchrow("SELECT timezone, reporting_currency::text AS currency FROM organizations")
    context: dict[str, Any] = {
        "currency": facts["currency"],
        "timezone": facts["timezone"],
        "seen": mark(found.new),
        "rows": [],
        "after": None,
        "further": False,
        "summary": None,
        "counts": None,
        "best": None,
        "alone": None,
        "held": None,
        "live_seq": await scope.sql.fetchval("SELECT version FROM tenant_versions"),
    }
    active = found.active
    if active is not None and active.old_id == found.new.id:
        context["held"] = await _alone(scope, found.new.id, found.new.counts_until, found.new.counts_from)
    if found.old is None:
        return context
    context["both_seen"] = mark(found.new, found.old)
    if found.new.shadow and not found.old.shadow:
        context["alone"] = await _alone(scope, found.old.id, found.new.first_day, found.old.counts_from)
    if found.span is None:
        return context
    context["summary"] = await parity.summary(scope, found.span)
    context["best"] = parity.best_day(found.span, context["summary"])
    if query.show == "days":
        context["rows"], context["after"] = await parity.days(scope, found.span, query.after)
    elif query.show == "skus":
        context["rows"], context["further"] = await parity.skus(scope, found.span, query.page)
    else:
        context["rows"], context["after"], context["counts"] = await parity.orders(scope, found.span, query.after)
    return context


async def _alone(scope: Scope, connection_id: int, before: date | None, since: date | None) -> dict[str, Any] | None:
    row = await scope.sql.fetchrow(_ALONE, connection_id, before, since)
    return dict(row) if row["days"] else None
