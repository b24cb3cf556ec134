"""Exchange rates for the demo's organizations, so that what they sell in other currencies is in their totals."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from portal.foundation.runtime import Runtime
from portal.rates import giving
from portal.rates.given import Given
from portal.tenancy.scope import tenant

_EURO = {"USD": Decimal("0.9200"), "GBP": Decimal("1.1700"), "JPY": Decimal("0.0061"), "EUR": Decimal(1)}
_WEEKS = 60  # the sandbox's history is 400 days long


async def give_rates(runtime: Runtime, org_id: UUID) -> None:
    """Invented rates for every week of the history, unless the organization has rates already."""
    async with tenant(runtime.database, org_id) as scope:
        if await scope.sql.fetchval("SELECT EXISTS (SELECT FROM exchange_quotes)"):
            return
        reporting: str = await scope.sql.fetchval("SELECT reporting_currency::text FROM organizations")
        if reporting not in _EURO:
            return
        today = runtime.clock().date()
        given = [
            Given(
                day=today - timedelta(days=7 * week),
                base=reporting,
                currency=currency,
                rate=round(worth / _EURO[reporting] * (1 + Decimal(week % 9 - 4) / 1_000), 6),
                of_base=False,
            )
            for week in range(_WEEKS)
            for currency, worth in _EURO.items()
            if currency != reporting
        ]
        await giving.give(scope, given, "hand", "portal up --demo")
