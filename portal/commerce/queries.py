"""What the tiles and lists ask. Each function takes the connection of a tenant's transaction and runs one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from portal.commerce.order_lists import order_detail, orders_page
from portal.commerce.stock_lists import inventory_alerts, inventory_heat, inventory_summary, products_page, stock_at
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
    "stock_at",
    "stores_today",
    "unconverted_30d",
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


# Refunds have no rollup of those without a rate; today's few are read as they are.
_UNCONVERTED = """
SELECT x.currency, sum(x.orders)::bigint AS orders, sum(x.refunds)::bigint AS refunds,
  (SELECT max(r.day) FROM exchange_rates r WHERE r.org_id = o.id AND r.currency = x.currency AND r.day <= d.today)
    + o.rates_hold_days AS since
FROM organizations o
CROSS JOIN LATERAL (
  SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today,
         portal_midnight((portal_now() AT TIME ZONE o.timezone)::date, o.timezone) AS today_from,
         portal_midnight((portal_now() AT TIME ZONE o.timezone)::date + 1, o.timezone) AS today_to OFFSET 0
) d
CROSS JOIN LATERAL (
  SELECT s.currency, s.unconverted_orders AS orders, 0 AS refunds
  FROM v_picture p JOIN daily_sales s ON s.org_id = o.id AND s.connection_id = p.connection_id AND s.unconverted_orders > 0
    AND s.day = d.today AND s.day >= p.first_day AND s.day < p.end_day
  WHERE p.org_id = o.id
  UNION ALL
  SELECT r.currency, 0, 1
  FROM v_picture p JOIN refunds r ON r.org_id = o.id AND r.connection_id = p.connection_id AND r.counted
    AND r.amount_reporting IS NULL AND r.refunded_at >= d.today_from AND r.refunded_at < d.today_to
    AND r.refunded_at >= p.begins AND r.refunded_at < p.ends
  WHERE p.org_id = o.id
) x
GROUP BY o.id, x.currency, d.today ORDER BY 2 DESC, 3 DESC, 1
"""
_UNCONVERTED_30D = """
SELECT s.currency, sum(s.unconverted_orders)::bigint AS orders
FROM organizations o JOIN v_picture p ON p.org_id = o.id
CROSS JOIN LATERAL (SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today OFFSET 0) d
JOIN daily_sales s ON s.org_id = o.id AND s.connection_id = p.connection_id AND s.unconverted_orders > 0
  AND s.day >= d.today - 29 AND s.day <= d.today AND s.day >= p.first_day AND s.day < p.end_day
GROUP BY s.currency ORDER BY 2 DESC, 1
"""


def sales_pulse_sql(columns: Sequence[str] = ("*",)) -> str:
    """The statement of `sales_pulse`; `columns` are names of ours, never somebody's text."""
    return f"SELECT {', '.join(columns)} FROM v_sales_pulse_current"  # noqa: S608 - see above


async def sales_pulse(connection: Any, columns: Sequence[str] = ("*",)) -> dict[str, Any]:
    """The row of `v_sales_pulse_current`: formulas in `metrics`. Figures are None while no orders are known, and those of today
    where every source that counts has ended before it.

    `columns`: only these, `top_5_skus` among them; PostgreSQL does not compute the others. `top_5_skus` is a list of
    {sku, revenue_30d, units_sold_30d}, empty when nothing is known. `known_until`: where what is known of today ends before
    now. Raises `Missing` without a tenant.
    """
    row = await connection.fetchrow(sales_pulse_sql(columns))
    if row is None:
        raise Missing("There is no such organization.")
    return {**row, "top_5_skus": json.loads(row["top_5_skus"] or "[]", parse_float=Decimal)}


async def unconverted_today(connection: Any) -> list[dict[str, Any]]:
    """What of today is outside the total, by currency: `orders`, `refunds`, and `since` when there has been no rate (None:
    there never was)."""
    return [dict(row) for row in await connection.fetch(_UNCONVERTED)]


async def unconverted_30d(connection: Any) -> list[dict[str, Any]]:
    """Orders of the last 30 local days, today included, whose amounts have no rate: by `currency`, how many `orders`."""
    return [dict(row) for row in await connection.fetch(_UNCONVERTED_30D)]


async def connection_counts(connection: Any) -> list[dict[str, Any]]:
    """How many rows of each stream every connection has, deleted ones left out."""
    return [dict(row) for row in await connection.fetch(_COUNTS)]
