"""Derive everything anew: after the organization's time zone, reporting currency or exchange rates changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from uuid import UUID

from portal.commerce import locks, rollups
from portal.commerce.recalculating import recalculating
from portal.commerce.settlement import SETTLE_ALL
from portal.commerce.tables import rate
from portal.foundation.bus import Event
from portal.foundation.errors import BadRequest
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant

_LONG = 3600.0  # seconds: half a million orders take about a minute
_DAY = "(r.business_at AT TIME ZONE o.timezone)::date"
_ORDERS = f"""
UPDATE orders r SET business_day = {_DAY}, rate = {rate("r.currency", _DAY)} FROM organizations o
WHERE o.id = $1 AND r.org_id = $1 AND (r.business_day, r.rate) IS DISTINCT FROM ({_DAY}, {rate("r.currency", _DAY)})
"""  # noqa: S608 - built from constants
_REFUNDS = """
UPDATE refunds r SET business_day = (r.refunded_at AT TIME ZONE o.timezone)::date FROM organizations o
WHERE o.id = $1 AND r.org_id = $1 AND r.business_day <> (r.refunded_at AT TIME ZONE o.timezone)::date
"""


_WORK = {
    "orders": (_ORDERS,),
    "refunds": (_REFUNDS, SETTLE_ALL),
    "totals": (
        "DELETE FROM daily_sales WHERE org_id = $1",
        "DELETE FROM daily_sku_sales WHERE org_id = $1",
        rollups.LAY_ALL,
    ),
}
"""What a rebuild goes through, in this order; `tell` hears each before it begins."""


async def rebuild_rollups(
    scope: Scope, *, why: str | None = "recalculated", tell: Callable[[str], Awaitable[None]] | None = None
) -> int:
    """Recompute local days, rates and all rollups of the scope's organization; returns the new data version.

    Call it in the transaction that changed the organization's time zone, currency or rates, as its last step, and publish
    a `data` event after the commit (or use `rebuild`). Writers of the organization wait meanwhile. `why` is the reason (of
    `restating.KINDS`) of the days whose total that changes; None after a change of the reporting currency, which restates
    nothing: it is another measure.
    """
    org_id = scope.org_id
    if org_id is None:
        raise BadRequest("Rollups are rebuilt for one organization at a time.")
    await locks.everything(scope, org_id)
    async with recalculating(scope, why) if why else nullcontext():
        for step, statements in _WORK.items():
            if tell is not None:
                await tell(step)
            for statement in statements:
                await scope.sql.execute(statement, org_id, timeout=_LONG)
    return await locks.advance(scope, org_id, moved=True)


async def rebuild(rt: Runtime, org_id: UUID, *, why: str | None = "recalculated") -> int:
    """`rebuild_rollups` in a transaction of its own, with its event; returns the new data version."""
    async with tenant(rt.database, org_id) as scope:
        version = await rebuild_rollups(scope, why=why)
    await rt.bus.publish(Event(org_id, "data", version, {"kinds": ["orders", "products", "refunds"]}))
    return version
