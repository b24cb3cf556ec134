"""Records as a connector would make them, and short ways to write and read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from portal.commerce import ledger
from portal.commerce.records import AnyRecord, Deleted, Fulfilment, Order, OrderLine, OrderStatus, Product, Refund
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import reading, tenant

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""A Tuesday."""


@dataclass(frozen=True)
class Store:
    """A connection and how to write to it. Arrivals are `minutes` after NOON."""

    rt: Runtime
    org: UUID
    connection_id: int

    async def write(self, *records: AnyRecord, minutes: float = 0, **kwargs: Any) -> ledger.Written:
        return await ledger.write(
            self.rt,
            self.org,
            self.connection_id,
            records,
            arrived_at=NOON + timedelta(minutes=minutes),
            **kwargs,
        )

    async def rows(self, sql: str, *values: Any, now: datetime | None = NOON) -> list[dict[str, Any]]:
        """What the organization sees, at `now` by the views' clock."""
        async with reading(self.rt.database, self.org) as connection:
            if now is not None:
                await connection.execute("SELECT set_config('app.now', $1, true)", now.isoformat())
            return [dict(row) for row in await connection.fetch(sql, *values)]

    async def ask(self, query: Any, *args: Any, now: datetime = NOON, **kwargs: Any) -> Any:
        """The answer of one of `queries`."""
        async with reading(self.rt.database, self.org) as connection:
            await connection.execute("SELECT set_config('app.now', $1, true)", now.isoformat())
            return await query(connection, *args, **kwargs)

    async def net(self, currency: str = "USD") -> Decimal:
        """Everything sold minus everything given back, in the rollup."""
        rows = await self.rows(
            "SELECT coalesce(sum(gross - refunds), 0) AS net FROM daily_sales WHERE currency = $1", currency
        )
        return Decimal(rows[0]["net"])

    async def configure(self, **columns: Any) -> None:
        """Change the organization, without a rebuild."""
        async with tenant(self.rt.database, self.org) as scope:
            for name, value in columns.items():
                await scope.sql.execute(f"UPDATE organizations SET {name} = $1", value)

    async def rate(self, currency: str, rate: str, day: datetime = NOON - timedelta(days=300)) -> None:
        """An exchange rate known from `day` on, in an organization that lets rates hold for a year."""
        async with tenant(self.rt.database, self.org) as scope:
            await scope.sql.execute("UPDATE organizations SET rates_hold_days = 366")
            await scope.sql.execute(
                "INSERT INTO exchange_rates VALUES ($1, $2, $3, $4)", self.org, day.date(), currency, Decimal(rate)
            )


async def connect(rt: Runtime, org: UUID) -> Store:
    """A connection of the organization."""
    async with tenant(rt.database, org) as scope:
        made = await scope.sql.fetchval(
            """INSERT INTO client_api_credentials (org_id, platform_type, connection_name, secrets)
               VALUES ($1, 'woocommerce', $2, '\\x00') RETURNING id""",
            org,
            f"Store {uuid4().hex[:8]}",
        )
    return Store(rt, org, made)


def line(sku: str | None = "LAMP", quantity: str = "1", total: str = "10", **fields: Any) -> OrderLine:
    values: Mapping[str, Any] = {"external_id": "1", "product_id": "77", "name": sku or "A thing", **fields}
    return OrderLine(sku=sku, quantity=Decimal(quantity), total=Decimal(total), subtotal=Decimal(total), **values)


def order(
    external_id: str = "1", *, total: str = "100", at: datetime = NOON, version: float = 0, **fields: Any
) -> Order:
    """A paid order of `at`; `version` is its modification in minutes after NOON."""
    status = fields.pop("status", OrderStatus.PROCESSING)
    return Order(
        external_id=external_id,
        modified_at=NOON + timedelta(minutes=version),
        number=fields.pop("number", external_id),
        status=status,
        source_status=str(status),
        fulfilment=fields.pop("fulfilment", Fulfilment.UNFULFILLED),
        currency=fields.pop("currency", "USD"),
        total=Decimal(total),
        created_at=fields.pop("created_at", at),
        paid_at=fields.pop("paid_at", at),
        **fields,
    )


def refund(
    external_id: str = "r1", *, order_id: str = "1", amount: str = "30", at: datetime = NOON, **fields: Any
) -> Refund:
    return Refund(
        external_id=external_id,
        modified_at=fields.pop("modified_at", at),
        order_id=order_id,
        amount=Decimal(amount),
        refunded_at=at,
        **fields,
    )


def product(external_id: str = "77", sku: str | None = "LAMP", quantity: str | None = "3", **fields: Any) -> Product:
    return Product(
        external_id=external_id,
        modified_at=fields.pop("modified_at", NOON),
        sku=sku,
        name=fields.pop("name", "Oak table lamp"),
        stock_tracked=quantity is not None,
        quantity=None if quantity is None else Decimal(quantity),
        **fields,
    )


def deleted(external_id: str = "1", of: str = "orders", *, minutes: float = 60) -> Deleted:
    return Deleted(external_id=external_id, of=of, modified_at=NOON + timedelta(minutes=minutes))
