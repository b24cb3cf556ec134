"""Another reporting currency: what it would mean, asking for it, and doing it.

It is one transaction that holds the organization's rows: a reader sees every number in the old currency until it commits and
every number in the new one after it, never a mix. Killed in between, nothing has changed and the next worker begins anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from portal.accounts.audited import audited
from portal.accounts.principal import Principal
from portal.commerce import exchange, locks
from portal.commerce.rebuild import rebuild_rollups
from portal.commerce.tables import rate
from portal.foundation.bus import Event
from portal.foundation.errors import Conflict, Invalid
from portal.foundation.runtime import Runtime
from portal.rates import recalculations
from portal.rates.given import known_currencies
from portal.rates.giving import tracked
from portal.rates.recalculations import Recalculation
from portal.tenancy.scope import Scope, tenant

_ADD_UP = f"""
SELECT d.currency, sum(d.orders)::bigint AS orders,
       coalesce(sum(d.orders) FILTER (WHERE w.rate IS NULL), 0)::bigint AS unconverted,
       min(d.day) FILTER (WHERE w.rate IS NULL) AS first_missing, max(d.day) FILTER (WHERE w.rate IS NULL) AS last_missing
FROM organizations o JOIN daily_sales d ON d.org_id = o.id CROSS JOIN LATERAL (SELECT {rate("d.currency", "d.day")} AS rate) w
GROUP BY d.currency HAVING sum(d.orders) <> 0 ORDER BY 2 DESC, 1
"""  # noqa: S608 - constants


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """One currency sold in, as it would be: its orders, and those of them that would have no rate."""

    currency: str
    orders: int
    unconverted: int
    first_missing: object = None
    last_missing: object = None


class _RolledBack(Exception):
    pass


async def prospects(rt: Runtime, who: Principal, currency: str) -> list[Prospect]:
    """What every currency would be in `currency`: done for trial and rolled back. Raises `Invalid`."""
    found: list[Prospect] = []
    try:
        async with tenant(rt.database, who.org) as scope:
            _check(currency, await _reporting(scope))
            await _turn(scope, currency)
            found = [Prospect(**dict(row)) for row in await scope.sql.fetch(_ADD_UP, timeout=60)]
            raise _RolledBack
    except _RolledBack:
        return found


async def ask(rt: Runtime, who: Principal, currency: str) -> None:
    """Ask for the change; a worker does it. Raises `Invalid`, or `Conflict` while another one waits."""
    async with tenant(rt.database, who.org) as scope:
        await exchange.alone(scope)
        before = await _reporting(scope)
        _check(currency, before)
        if await scope.sql.fetchval(
            "SELECT EXISTS (SELECT FROM reratings WHERE kind = 'currency' AND status = 'waiting')"
        ):
            raise Conflict("The reporting currency is being changed already.")
        await recalculations.ask(scope, "currency", who.name or who.email, to_currency=currency)
        await audited(
            scope, who, "rates.reporting_currency", currency, before={"currency": before}, after={"currency": currency}
        )
    await recalculations.tell(rt, who.org)


async def switch(rt: Runtime, wanted: Recalculation, tell: Callable[[str], Awaitable[None]]) -> None:
    """Do it: rates, rows, rollups and the organization itself, at once. `tell` hears each step before it begins."""
    assert wanted.to_currency is not None  # noqa: S101 - of this kind
    async with tenant(rt.database, wanted.org_id) as scope:
        await tell("waiting")
        await exchange.alone(scope)
        await locks.everything(scope, wanted.org_id)
        await tell("rates")
        await _turn(scope, wanted.to_currency)
        # No day is restated: amounts of two currencies have no difference.
        version = await rebuild_rollups(scope, why=None, tell=tell)
        await scope.sql.execute(
            """UPDATE reratings SET status = 'done', finished_at = clock_timestamp(), step = '', error = NULL,
                 lease_owner = NULL, lease_until = NULL WHERE id = $1""",
            wanted.id,
        )
    await rt.bus.publish(Event(wanted.org_id, "data", version, {"kinds": ["orders", "products", "refunds"]}))


async def _turn(scope: Scope, currency: str) -> None:
    """The organization in `currency`, and the rates to it."""
    await exchange.alone(scope)
    before = await _reporting(scope)
    await scope.sql.execute("UPDATE organizations SET reporting_currency = $1", currency)
    await scope.sql.execute("DELETE FROM exchange_rates")
    currencies = (await tracked(scope) | await exchange.used(scope) | {before}) - {currency}
    await scope.sql.execute(
        """INSERT INTO rate_states (org_id, applied, currencies) SELECT $1, version, $2 FROM rate_source
           ON CONFLICT (org_id) DO UPDATE SET applied = excluded.applied, currencies = excluded.currencies""",
        scope.org_id,
        sorted(currencies),
    )
    await exchange.derive(scope, currencies)


def _check(currency: str, before: str) -> None:
    if currency not in known_currencies():
        raise Invalid("That is no currency.", {"currency": "Use an ISO 4217 code such as EUR."})
    if currency == before:
        raise Invalid("Nothing would change.", {"currency": f"The totals are in {currency} already."})


async def _reporting(scope: Scope) -> str:
    found: str = await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")
    return found
