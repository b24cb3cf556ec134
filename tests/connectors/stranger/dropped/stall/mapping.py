"""Payload -> records. Pure, and never raises."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from portal.commerce.records import Fulfilment, Order, OrderLine, OrderStatus, Product
from portal.connectors.answers import Rejected

_STATUS = {"sold": OrderStatus.COMPLETED, "promised": OrderStatus.PENDING, "off": OrderStatus.CANCELLED}


def order(row: object, seen_at: datetime) -> Order | Rejected:
    """One sale."""
    try:
        assert isinstance(row, dict)
        at = datetime.fromisoformat(row["at"]).astimezone(UTC)
        status = _STATUS.get(row["status"], OrderStatus.OTHER)
        total = Decimal(row["total"])
        return Order(
            external_id=str(row["id"]), modified_at=datetime.fromisoformat(row["changed"]).astimezone(UTC),
            number=f"S{row['id']}", status=status, source_status=row["status"], fulfilment=Fulfilment.FULFILLED,
            currency=row["currency"], total=total, created_at=at, paid_at=at if status is OrderStatus.COMPLETED else None,
            lines=(OrderLine(external_id=f"{row['id']}-1", sku=row["sku"], product_id=row["sku"], name=row["sku"],
                             quantity=Decimal(row["quantity"]), subtotal=total, total=total),),
        )  # fmt: skip
    except (AssertionError, KeyError, TypeError, ValueError, InvalidOperation):
        known = str(row.get("id", "?")) if isinstance(row, dict) else "?"
        return Rejected(stream="orders", external_id=known, reason="The stall's note cannot be read.")


def product(row: object, seen_at: datetime) -> Product | Rejected:
    """One kind of goods."""
    try:
        assert isinstance(row, dict)
        return Product(
            external_id=row["sku"], modified_at=seen_at, sku=row["sku"], name=row["name"], stock_tracked=True,
            quantity=Decimal(row["left"]),
        )  # fmt: skip
    except (AssertionError, KeyError, TypeError, ValueError, InvalidOperation):
        return Rejected(stream="products", external_id="?", reason="The label cannot be read.")
