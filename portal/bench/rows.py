"""Rows to measure on: a year of orders with their rollups, made inside PostgreSQL, the same every time but for the clock.

Rows of all tenants lie mixed, in the order in which they would have arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

_ORDERS = """
INSERT INTO orders (org_id, connection_id, external_id, modified_at, arrived_at, content, lines_content, number,
  status, source_status, fulfilment, currency, total, total_tax, discount_total, shipping_total, fee_total,
  prices_include_tax, units, created_at, paid_at, completed_at, is_test, customer_key, customer_id, customer_name,
  customer_email, country, payment_method, note, meta, business_day, rate)
SELECT t.org_id, t.connection_id, n::text, d.at, d.at, sha256(n::text::bytea), sha256(n::text::bytea), n::text,
  s.status, s.status, CASE WHEN s.status = 'completed' THEN 'fulfilled' ELSE 'unfulfilled' END, 'USD',
  p.total, round(p.total * 0.19 / 1.19, 2), 0, 4.9, 0,
  true, 1 + n % 4, d.at, CASE WHEN s.status = 'pending' THEN NULL ELSE d.at END,
  CASE WHEN s.status = 'completed' THEN d.at + interval '1 day' END, false, 'c:' || n % (t.orders / 3 + 1),
  (n % (t.orders / 3 + 1))::text, 'Customer ' || n % 997, 'c' || n % 997 || '@example.com', 'DE', 'card', '', '{}',
  (d.at AT TIME ZONE 'UTC')::date, 1
FROM bench_tenants t
CROSS JOIN LATERAL generate_series(1, t.orders) n
CROSS JOIN LATERAL (SELECT now() - (1 - n::float8 / t.orders) * interval '365 days' AS at) d
CROSS JOIN LATERAL (SELECT (ARRAY['completed', 'processing', 'completed', 'pending', 'completed', 'cancelled',
                                  'completed', 'processing', 'completed', 'refunded'])[1 + n % 10] AS status) s
CROSS JOIN LATERAL (SELECT round((10 + (n * 7919) % 29000 / 100.0)::numeric, 2) AS total) p
ORDER BY d.at
"""

_REFUNDS = """
INSERT INTO refunds (org_id, connection_id, external_id, modified_at, arrived_at, content, order_id, amount,
  refunded_at, reason, business_day, currency, rate, counted)
SELECT o.org_id, o.connection_id, 'r' || external_id, business_at, business_at, content, external_id, total,
  least(business_at + interval '3 days', now()), '', (least(business_at + interval '3 days', now()) AT TIME ZONE 'UTC')::date,
  currency, rate, true
FROM orders o JOIN bench_tenants t USING (org_id) WHERE o.status = 'refunded'
"""

_DAILY = """
INSERT INTO daily_sales (org_id, connection_id, day, currency, orders, unconverted_orders, units, gross, discounts, tax,
  shipping, fees, refunds, refund_count, gross_reporting, discounts_reporting, refunds_reporting, customer_orders, new_customers)
SELECT o.org_id, o.connection_id, business_day, currency, count(*), 0, sum(units), sum(total), 0, sum(total_tax),
  sum(shipping_total), 0, 0, 0, sum(total_reporting), 0, 0, count(*), 0
FROM orders o JOIN bench_tenants t USING (org_id) WHERE o.counted GROUP BY 1, 2, 3, 4
"""

# A catalogue of one SKU per twenty orders, at most a thousand.
_DAILY_SKU = """
INSERT INTO daily_sku_sales (org_id, connection_id, day, sku, units, revenue_reporting)
SELECT o.org_id, o.connection_id, o.business_day, 'SKU-' || (o.number::int * 31) % greatest(least(t.orders / 20, 1000), 5),
  sum(o.units), sum(o.total_reporting)
FROM orders o JOIN bench_tenants t USING (org_id) WHERE o.counted GROUP BY 1, 2, 3, 4
"""

_PRODUCTS = """
INSERT INTO products (org_id, connection_id, external_id, modified_at, arrived_at, content, kind, sku, name, status, price,
  stock_tracked, quantity, stock_status, backorders, categories, image_url, created_at)
SELECT t.org_id, t.connection_id, n::text, now(), now(), '\\x00', 'simple', 'SKU-' || n, 'Product ' || n, 'published', 49,
  true, (n * 37) % 200, CASE WHEN (n * 37) % 200 = 0 THEN 'out_of_stock' ELSE 'in_stock' END, 'no', '{}', '',
  now() - interval '1 year'
FROM bench_tenants t CROSS JOIN LATERAL generate_series(0, greatest(least(t.orders / 20, 1000), 5) - 1) n
"""

_CONNECTIONS = """
INSERT INTO client_api_credentials (org_id, platform_type, connection_name, secrets, last_success_at, next_sync_at)
SELECT o, 'woocommerce', 'Bench', '\\x00', now(), now() + interval '7 days' FROM unnest($1::uuid[]) o RETURNING org_id, id
"""


async def fill(admin: Any, tenants: Sequence[UUID], orders: Sequence[int]) -> None:
    """Give each of `tenants` a store with that many orders over the last year. `admin` is the superuser's connection."""
    connections = await admin.fetch(_CONNECTIONS, list(tenants))
    await admin.execute("CREATE TEMPORARY TABLE bench_tenants (org_id uuid, connection_id bigint, orders bigint)")
    sizes = dict(zip(tenants, orders, strict=True))
    await admin.copy_records_to_table(
        "bench_tenants", records=[(row["org_id"], row["id"], sizes[row["org_id"]]) for row in connections]
    )
    for statement in (_ORDERS, _REFUNDS, _DAILY, _DAILY_SKU, _PRODUCTS):
        await admin.execute(statement, timeout=600)
    await admin.execute(
        "UPDATE tenant_versions SET version = version + 1, data_as_of = now()"
        " WHERE org_id IN (SELECT org_id FROM bench_tenants)"
    )
    await admin.execute("DROP TABLE bench_tenants")
    # What autovacuum does for a portal that has run for a while.
    await admin.execute("VACUUM (ANALYZE)", timeout=600)
    await admin.execute("CHECKPOINT")
