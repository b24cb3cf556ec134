"""An organization with uploaded files that count, and a new API connection in shadow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from portal.commerce.records import Order
from portal.foundation.runtime import Runtime
from portal.parallel import switching
from portal.parallel.sides import Side, mark, pair
from portal.tenancy.scope import reading, tenant
from tests import ledgers
from tests.ledgers import line, order

TODAY = datetime.now(UTC).date()


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def noon(ago: int) -> datetime:
    return datetime.combine(day(ago), time(12), UTC) if ago else ledgers.now()


def sale(ago: int, total: str, number: str, id: str = "", sku: str = "A") -> Order:
    """An order of some days ago."""
    return order(total, line(sku, total), at=noon(ago), id=id or number, number=number)


@dataclass
class Both:
    """`old` counts, `new` is in shadow."""

    rt: Runtime
    org: UUID
    old: int
    new: int

    async def sides(self) -> tuple[Side, Side]:
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            return await pair(scope, self.new, self.old)

    async def switch(self, on: date | None) -> None:
        new, old = await self.sides()
        async with tenant(self.rt.database, self.org) as scope:
            await switching.switch(scope, new_id=self.new, old_id=self.old, day=on, seen=mark(new, old), by="Ada")

    async def back(self, nth: int = 0) -> None:
        """Take back the `nth` newest switch of the new one, taken back already or not."""
        async with tenant(self.rt.database, self.org) as scope:
            wanted = (await switching.history(scope, self.new))[nth]
            await switching.switch_back(scope, switch_id=wanted.id, by="Ada")

    async def write(self, which: int, orders: Iterable[Order]) -> None:
        await ledgers.write(self.rt, self.org, which, *orders)

    async def by_day(self) -> dict[date, Decimal]:
        """What the picture adds, day by day."""
        async with reading(self.rt.database, self.org) as connection:
            rows = await connection.fetch(
                """SELECT q.day, sum(q.gross_reporting - q.refunds_reporting) AS revenue FROM daily_sales q JOIN v_picture p
                   ON p.connection_id = q.connection_id AND q.day >= p.first_day AND q.day < p.end_day GROUP BY q.day"""
            )
        return {row["day"]: row["revenue"] for row in rows}

    async def rows(self, sql: str, *values: object) -> list[dict[str, object]]:
        async with reading(self.rt.database, self.org) as connection:
            return [dict(row) for row in await connection.fetch(sql, *values)]


async def make_both(rt: Runtime, org: UUID) -> Both:
    """Two sources, nothing in them."""
    old = await ledgers.connect(rt, org, "Uploaded files")
    new = await ledgers.connect(rt, org, "Shop API")
    await ledgers.set_store(rt, org, old, "polled = false")
    await ledgers.set_store(rt, org, new, "shadow = true")
    for each in (old, new):
        await ledgers.finish_streams(rt, org, each)
    return Both(rt, org, old, new)


@pytest.fixture
async def both(rt: Runtime, org: UUID) -> Both:
    """Ten days of the same orders on both sides."""
    made = await make_both(rt, org)
    for which, sign in ((made.old, ""), (made.new, "#")):
        await made.write(
            which, (sale(ago, f"{100 + ago}", f"{sign}{1000 + ago}", f"{sign}x{ago}") for ago in range(10))
        )
    return made
