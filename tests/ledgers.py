"""Connected organizations with rows written by the ledger, for tests above the commerce room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from portal.commerce import ledger
from portal.commerce.records import AnyRecord, Fulfilment, Order, OrderLine, OrderStatus, Product, Refund
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.tenancy.scope import tenant

CREDENTIALS = {
    "site_url": "https://shop.example",
    "consumer_key": "ck_" + "0123456789" * 4,
    "consumer_secret": "cs_" + "9876543210" * 4,
}


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def connect(rt: Runtime, org: UUID, name: str = "Main store", *, synced: bool = True) -> int:
    """A saved connection that nobody syncs (not due for an hour). `synced`: its first sync has ended well."""
    async with tenant(rt.database, org) as scope:
        connection_id = await stores.create_connection(
            rt,
            scope,
            org_id=org,
            platform="woocommerce",
            name=name,
            credentials=stores.validate_credentials("woocommerce", CREDENTIALS),
            frequency="hourly",
            created_by=None,
        )
        await scope.sql.execute(
            "UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour',"
            " last_success_at = CASE WHEN $2 THEN now() END WHERE id = $1",
            connection_id,
            synced,
        )
    return connection_id


async def write(rt: Runtime, org: UUID, connection_id: int, *records: AnyRecord) -> int:
    """Write records as the sync does; the data version after it."""
    return (await ledger.write(rt, org, connection_id, records, arrived_at=datetime.now(UTC))).version


def order(
    total: str | Decimal = "100.00",
    *lines: OrderLine,
    at: datetime | None = None,
    id: str = "",
    status: OrderStatus = OrderStatus.COMPLETED,
    fulfilment: Fulfilment = Fulfilment.FULFILLED,
    currency: str = "USD",
    **fields: Any,
) -> Order:
    """A paid order of `at` (now)."""
    external_id, moment = id or uuid4().hex[:10], at or now()
    given: dict[str, Any] = {"number": external_id, "modified_at": moment, "paid_at": moment, "created_at": moment}
    return Order(
        external_id=external_id,
        status=status,
        source_status=str(status),
        fulfilment=fulfilment,
        currency=currency,
        total=Decimal(total),
        lines=lines,
        **(given | fields),
    )


def line(sku: str | None, total: str = "100.00", quantity: int = 1, **fields: Any) -> OrderLine:
    """An item line."""
    given: dict[str, Any] = {"external_id": uuid4().hex[:8], "product_id": f"p-{sku}", "name": f"Name of {sku}"}
    return OrderLine(
        sku=sku, quantity=Decimal(quantity), total=Decimal(total), subtotal=Decimal(total), **(given | fields)
    )


def refund(of: Order, amount: str, *, at: datetime | None = None, **fields: Any) -> Refund:
    """Money given back of an order."""
    moment = at or now()
    given: dict[str, Any] = {"external_id": uuid4().hex[:10], "modified_at": moment, "refunded_at": moment}
    return Refund(order_id=of.external_id, amount=Decimal(amount), **(given | fields))


def product(sku: str, quantity: int | str | None, **fields: Any) -> Product:
    """A published product that tracks its stock (unless `quantity` is None)."""
    given: dict[str, Any] = {
        "external_id": f"p-{sku}",
        "modified_at": now(),
        "name": f"Name of {sku}",
        "created_at": now() - timedelta(days=400),
    }
    return Product(
        sku=sku,
        stock_tracked=quantity is not None,
        quantity=None if quantity is None else Decimal(quantity),
        **(given | fields),
    )


async def at_noon(rt: Runtime, org: UUID) -> None:
    """Move the organization to the zone where it is about noon: today and last week are then the same at any hour."""
    offset = datetime.now(UTC).hour - 12
    zone = "Etc/GMT" if offset == 0 else f"Etc/GMT{offset:+d}"  # POSIX: a plus sign is west of Greenwich
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("UPDATE organizations SET timezone = $2 WHERE id = $1", org, zone)


async def set_store(rt: Runtime, org: UUID, connection_id: int, assignments: str) -> None:
    """Put a connection into a state: `assignments` is SQL."""
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(f"UPDATE client_api_credentials SET {assignments} WHERE id = $1", connection_id)


async def finish_streams(rt: Runtime, org: UUID, connection_id: int) -> None:
    """Say that orders and products were read to their end, as a sync of an empty store does."""
    async with tenant(rt.database, org) as scope:
        for stream in ("orders", "products"):
            await scope.sql.execute(
                "INSERT INTO sync_cursors (org_id, connection_id, stream, phase, completed_at)"
                " VALUES ($1, $2, $3, 'incremental', now())",
                org,
                connection_id,
                stream,
            )
