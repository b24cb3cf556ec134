"""The tables as the ledger writes them: which columns, of which type, from which attribute of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from portal.commerce.wire import JOINED, pack, unpacked

_DAY = "(coalesce(u.paid_at, u.created_at) AT TIME ZONE o.timezone)::date"


def rate(currency: str, day: str) -> str:
    """SQL for the rate from `currency` to organization `o`'s reporting currency on `day`.

    1 for the reporting currency itself, else the latest known by that day, NULL when it is older than the organization lets
    rates hold (docs/currencies.md).
    """
    return f"""CASE WHEN {currency} = o.reporting_currency::text THEN 1 ELSE (
        SELECT x.rate FROM exchange_rates x WHERE x.org_id = o.id AND x.currency = {currency} AND x.day <= {day}
        AND x.day > {day} - o.rates_hold_days ORDER BY x.day DESC LIMIT 1) END"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Table:
    """`columns` come from the record, in this order; `derived` are SQL over these (`u`) and the organization (`o`)."""

    name: str
    key: tuple[str, ...] = ("external_id",)
    columns: dict[str, str]
    derived: dict[str, str] | None = None
    stamped: bool = True  # carries arrived_at

    @cached_property
    def insert(self) -> str:
        """Insert rows that are not there: $1 organization, $2 connection, $3 arrival (when stamped), then `parameters`."""
        derived = self.derived or {}
        names = [*(["arrived_at"] if self.stamped else []), *self.columns, *derived]
        first = 4 if self.stamped else 3
        arrays = ", ".join(
            unpacked(place, kind, separator=first, null=first + 1)
            for place, kind in enumerate(self.columns.values(), first + 2)
        )
        picked = [
            *(["$3"] if self.stamped else []),
            *(f"u.{name}::{kind}" if kind in JOINED else f"u.{name}" for name, kind in self.columns.items()),
            *derived.values(),
        ]
        return (
            f"INSERT INTO {self.name} (org_id, connection_id, {', '.join(names)}) "  # noqa: S608 - names are constants
            f"SELECT $1, $2, {', '.join(picked)} FROM unnest({arrays}) AS u({', '.join(self.columns)})"
            f"{' CROSS JOIN organizations o WHERE o.id = $1' if derived else ''}"
        )

    @cached_property
    def upsert(self) -> str:
        """Insert or replace rows, with the parameters of `insert`."""
        names = [*(["arrived_at"] if self.stamped else []), *self.columns, *(self.derived or {})]
        replaced = ", ".join(f"{name} = excluded.{name}" for name in names if name not in self.key)
        return f"{self.insert} ON CONFLICT (org_id, connection_id, {', '.join(self.key)}) DO UPDATE SET {replaced}"

    def parameters(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Rows turned into the statements' parameters."""
        return pack(self.columns.values(), rows)


_KEPT = {"external_id": "text", "modified_at": "timestamptz", "content": "bytea", "deleted_at": "timestamptz"}

ORDERS = Table(
    name="orders",
    columns={
        **_KEPT, "lines_content": "bytea", "customer_key": "text", "units": "numeric",
        "number": "text", "status": "text", "source_status": "text", "fulfilment": "text", "currency": "text",
        "total": "numeric", "total_tax": "numeric", "discount_total": "numeric", "shipping_total": "numeric",
        "fee_total": "numeric", "prices_include_tax": "boolean",
        "created_at": "timestamptz", "paid_at": "timestamptz", "completed_at": "timestamptz", "is_test": "boolean",
        "customer_id": "text", "customer_name": "text", "customer_email": "text", "country": "text",
        "payment_method": "text", "note": "text", "refund_ids": "text[]", "meta": "jsonb",
        "payments": "jsonb", "shipments": "jsonb", "returns": "jsonb",
    },
    derived={"business_day": _DAY, "rate": rate("u.currency", _DAY)},
)  # fmt: skip
ORDER_LINES = Table(
    name="order_lines",
    key=("order_id", "position"),
    columns={
        "order_id": "text", "position": "integer", "external_id": "text", "kind": "text", "product_id": "text",
        "variation_id": "text", "sku": "text", "name": "text", "quantity": "numeric", "unit_price": "numeric",
        "subtotal": "numeric", "total": "numeric", "total_tax": "numeric",
    },
    stamped=False,
)  # fmt: skip
REFUNDS = Table(
    name="refunds",
    columns={
        **_KEPT, "order_id": "text", "amount": "numeric", "own_currency": "text", "refunded_at": "timestamptz",
        "reason": "text",
    },
    derived={"business_day": "(u.refunded_at AT TIME ZONE o.timezone)::date"},
)  # fmt: skip
REFUND_LINES = Table(
    name="refund_lines",
    key=("refund_id", "position"),
    columns={
        "refund_id": "text", "position": "integer", "external_id": "text", "order_line_id": "text", "sku": "text",
        "quantity": "numeric", "total": "numeric", "total_tax": "numeric",
    },
    stamped=False,
)  # fmt: skip
PRODUCTS = Table(
    name="products",
    columns={
        **_KEPT, "parent_id": "text", "kind": "text", "sku": "text", "name": "text", "status": "text",
        "price": "numeric", "regular_price": "numeric", "sale_price": "numeric", "stock_tracked": "boolean",
        "quantity": "numeric", "stock_status": "text", "backorders": "text", "stock_of": "text",
        "low_stock_threshold": "numeric", "stock_at": "jsonb", "categories": "text[]", "image_url": "text",
        "created_at": "timestamptz",
    },
)  # fmt: skip
CUSTOMERS = Table(
    name="customers",
    columns={
        **_KEPT, "email": "text", "name": "text", "username": "text", "role": "text", "country": "text",
        "city": "text", "is_paying": "boolean", "created_at": "timestamptz",
    },
)  # fmt: skip
COUPONS = Table(
    name="coupons",
    columns={
        **_KEPT, "code": "text", "kind": "text", "amount": "numeric", "description": "text", "usage_count": "bigint",
        "usage_limit": "bigint", "expires_at": "timestamptz", "free_shipping": "boolean",
    },
)  # fmt: skip
TAX_RATES = Table(
    name="tax_rates",
    columns={
        **_KEPT, "country": "text", "state": "text", "rate_percent": "numeric", "name": "text", "tax_class": "text",
        "priority": "integer", "compound": "boolean", "shipping": "boolean",
    },
)  # fmt: skip
FEES = Table(
    name="fees",
    columns={
        **_KEPT, "order_id": "text", "kind": "text", "amount": "numeric", "currency": "text", "charged_at": "timestamptz",
    },
)  # fmt: skip

BY_STREAM = {
    "orders": ORDERS,
    "refunds": REFUNDS,
    "products": PRODUCTS,
    "customers": CUSTOMERS,
    "coupons": COUPONS,
    "taxes": TAX_RATES,
    "fees": FEES,
}
"""The table of each stream of records."""
