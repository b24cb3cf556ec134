"""What the ledger holds of a connection: shown on its page, and asked when a store suddenly answers with nothing."""

from __future__ import annotations

from portal.tenancy.scope import Scope

# Only streams that no living store empties: coupons and tax rates may truly be gone tomorrow.
_TABLES = {"orders": "orders", "products": "products", "customers": "customers"}


async def holds_any(scope: Scope, connection_id: int, stream: str) -> bool:
    """Whether rows of `stream` are held that a whole reading of the store should have found again."""
    table = _TABLES.get(stream)
    if table is None:
        return False
    found: bool = await scope.sql.fetchval(
        f"SELECT EXISTS (SELECT FROM {table} WHERE org_id = portal_org() AND connection_id = $1 AND deleted_at IS NULL)",  # noqa: S608
        connection_id,
    )
    return found


async def counts(scope: Scope, connection_id: int) -> dict[str, int]:
    """How many orders, products and customers of the connection are held."""
    row = await scope.sql.fetchrow(
        "SELECT "
        "(SELECT count(*) FROM orders WHERE connection_id = $1 AND deleted_at IS NULL) AS orders, "
        "(SELECT count(*) FROM products WHERE connection_id = $1 AND deleted_at IS NULL) AS products, "
        "(SELECT count(*) FROM customers WHERE connection_id = $1 AND deleted_at IS NULL) AS customers",
        connection_id,
    )
    return dict(row)
