"""An organization whose rates are changed through the service, with a worker that is called step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from portal.accounts.principal import Principal
from portal.commerce.exchange import Shift
from portal.foundation.runtime import Runtime
from portal.rates import giving, worker
from portal.rates.given import Given
from portal.tenancy.scope import tenant
from tests.commerce.made import Store, connect


@dataclass
class Bureau:
    """Rates of one organization (reporting in EUR), beside one of its stores."""

    rt: Runtime
    org: UUID
    store: Store

    @property
    def who(self) -> Principal:
        return Principal(None, "owner@example.com", "Owner", "owner", self.org, "session", None)

    async def give(
        self, currency: str, rate: str, day: date, *, base: str = "EUR", source: str = "hand"
    ) -> list[Shift]:
        """1 `currency` = `rate` `base` from `day` on."""
        return await self.give_all([Given(day, base, currency, Decimal(rate), False)], source)

    async def give_all(self, given: Sequence[Given], source: str = "file") -> list[Shift]:
        async with tenant(self.rt.database, self.org) as scope:
            return await giving.give(scope, given, source, "tests")

    async def work(self) -> int:
        """Everything that waits; how many recalculations there were."""
        count = 0
        while await worker.step(self.rt):
            count += 1
        return count

    async def rates(self) -> dict[tuple[str, date], tuple[Decimal, str]]:
        rows = await self.store.rows("SELECT currency, day, rate, source FROM exchange_rates")
        return {(row["currency"], row["day"]): (row["rate"], row["source"]) for row in rows}

    async def totals(self) -> dict[str, Any]:
        """Revenue in the reporting currency and orders outside of it, over all days."""
        [row] = await self.store.rows(
            "SELECT coalesce(sum(gross_reporting - refunds_reporting), 0) AS revenue,"
            " coalesce(sum(unconverted_orders), 0)::int AS unconverted FROM daily_sales"
        )
        return row


async def bureau_of(rt: Runtime, org: UUID, **columns: Any) -> Bureau:
    store = await connect(rt, org)
    await store.configure(reporting_currency="EUR", **columns)
    return Bureau(rt, org, store)


@pytest.fixture
async def bureau(rt: Runtime, org: UUID) -> Bureau:
    """A bureau of `org`, with nothing sold and no rates; what tests before it left waiting is worked off."""
    made = await bureau_of(rt, org)
    await made.work()
    return made
