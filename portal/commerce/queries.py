"""What the tiles and lists ask. Each function takes the connection of a tenant's transaction and runs one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from portal.commerce.order_lists import order_detail, orders_page
from portal.commerce.stock_lists import inventory_alerts, inventory_heat, inventory_summary, products_page
from portal.commerce.store_lists import stores_today
from portal.foundation.errors import Missing

__all__ = [
    "connection_counts",
    "inventory_alerts",
    "inventory_heat",
    "inventory_summary",
    "order_detail",
    "orders_page",
    "products_page",
    "sales_pulse",
    "sales_pulse_sql",
    "stores_today",
    "unconverted_today",
]

_COUNTS = """
SELECT c.id AS connection_id,
  (SELECT count(*) FROM orders r WHERE r.org_id = c.org_id AND r.connection_id = c.id AND r.deleted_at IS NULL) AS orders,
  (SELECT count(*) FROM refunds r WHERE r.org_id = c.org_id AND r.connection_id = c.id
     AND r.deleted_at IS NULL AND NOT r.unlisted) AS refunds,
  (SELECT count(*) FROM products r WHERE r.org_id = c.org_id AND r.connection_id = c.id AND r.deleted_at IS NULL) AS products,
  (SELECT count(*) FROM customers r WHERE r.org_id = c.org_id AND r.connection_id = c.id AND r.deleted_at IS NULL) AS customers,
  (SELECT count(*) FROM coupons r WHERE r.org_id = c.org_id AND r.connection_id = c.id AND r.deleted_at IS NULL) AS coupons,
  (SELECT count(*) FROM tax_rates r WHERE r.org_id = c.org_id AND r.connection_id = c.id AND r.deleted_at IS NULL) AS taxes
FROM client_api_credentials c ORDER BY c.id
"""


_UNCONVERTED = """
SELECT s.currency, sum(s.unconverted_orders)::bigint AS orders,
  (SELECT max(x.day) FROM exchange_rates x WHERE x.org_id = o.id AND x.currency = s.currency AND x.day <= s.day)
    + o.rates_hold_days AS since
FROM organizations o JOIN v_picture p ON p.org_id = o.id
JOIN daily_sales s ON s.org_id = o.id AND s.connection_id = p.connection_id AND s.unconverted_orders > 0
  AND s.day = (portal_now() AT TIME ZONE o.timezone)::date AND s.day >= p.first_day AND s.day < p.end_day
GROUP BY o.id, s.currency, s.day ORDER BY 2 DESC, 1
"""


def sales_pulse_sql(columns: Sequence[str] = ("*",)) -> str:
    """The statement of `sales_pulse`; `columns` are names of ours, never somebody's text."""
    return f"SELECT {', '.join(columns)} FROM v_sales_pulse_current"  # noqa: S608 - see above


async def sales_pulse(connection: Any, columns: Sequence[str] = ("*",)) -> dict[str, Any]:
    """The row of `v_sales_pulse_current`: formulas in `metrics`. Figures are None while no orders are known.

    `columns`: only these, `top_5_skus` among them; PostgreSQL does not compute the others. `top_5_skus` is a list of
    {sku, revenue_30d, units_sold_30d}, empty when nothing is known. Raises `Missing` without a tenant.
    """
    row = await connection.fetchrow(sales_pulse_sql(columns))
    if row is None:
        raise Missing("There is no such organization.")
    return {**row, "top_5_skus": json.loads(row["top_5_skus"] or "[]", parse_float=Decimal)}


async def unconverted_today(connection: Any) -> list[dict[str, Any]]:
    """Today's orders outside the total, by currency: `orders`, and `since` when there has been no rate (None: there never was)."""
    return [dict(row) for row in await connection.fetch(_UNCONVERTED)]


async def connection_counts(connection: Any) -> list[dict[str, Any]]:
    """How many rows of each stream every connection has, deleted ones left out."""
    return [dict(row) for row in await connection.fetch(_COUNTS)]
