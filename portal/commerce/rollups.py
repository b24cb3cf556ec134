"""What orders and refunds contribute to the daily rollups: defined once, used for a batch and for a rebuild.

A batch takes the contribution of what it touches away (`LIFT`), changes the rows, and adds the new contribution (`LAY`), all
in one transaction: the cost follows the batch, not the number of orders on the days it touches (docs/adr/0003-rollups.md).

PostgreSQL's statistics know nothing of a new tenant and expect one row of it, so a plain join may become a loop over everything
it has. The statements are therefore shaped so that only lookups by key are left to choose (LATERAL … OFFSET 0, = ANY).
"""

from __future__ import annotations

_COUNTS = ("orders", "unconverted_orders", "refund_count", "customer_orders", "new_customers")
_SUMS = (
    "units", "gross", "discounts", "tax", "shipping", "fees", "refunds", "gross_reporting", "discounts_reporting",
    "refunds_reporting",
)  # fmt: skip
_FIGURES = (*_COUNTS, *_SUMS)


def _part(source: str, **figures: str) -> str:
    """One source of figures as a SELECT with a column for every figure, zero where the source has none."""
    return f"SELECT connection_id, business_day, currency, {', '.join(figures.get(f, '0') for f in _FIGURES)} {source}"


def _converted(amount: str) -> str:
    """An amount in the reporting currency, zero without a rate: what is unknown is not added."""
    return f"CASE WHEN rate = 1 THEN {amount} WHEN rate IS NULL THEN 0 ELSE round({amount} * rate, 4) END"


def statement(*, sign: str, orders: str, refunds: str, firsts: str = "") -> str:
    """SQL that adds (`sign` '+') or takes away ('-') the contributions of organization $1's rows.

    `orders` and `refunds` are further conditions; `firsts` selects how many (`count`) customers' first orders to add where.
    """
    parts = (
        _part(
            "FROM sold",
            orders="1",
            unconverted_orders="(rate IS NULL)::int",
            customer_orders="(customer_key IS NOT NULL)::int",
            units="units",
            gross="total",
            discounts="discount_total",
            tax="total_tax",
            shipping="shipping_total",
            fees="fee_total",
            gross_reporting="coalesce(total_reporting, 0)",
            discounts_reporting=_converted("discount_total"),
        ),
        _part(
            f"FROM refunds WHERE org_id = $1 AND counted {refunds}",
            refund_count="1",
            refunds="amount",
            refunds_reporting="coalesce(amount_reporting, 0)",
        ),
        *([_part(f"FROM ({firsts}) AS f", new_customers="count")] if firsts else []),
    )
    sums = ", ".join(f"{sign}sum({f}){'::bigint' if f in _COUNTS else ''}" for f in _FIGURES)
    adds = ", ".join(f"{f} = d.{f} + excluded.{f}" for f in _FIGURES)
    names = ", ".join(_FIGURES)
    return f"""
WITH sold AS MATERIALIZED (
  SELECT connection_id, external_id, business_day, currency, rate, units, total, discount_total, total_tax, shipping_total,
         fee_total, total_reporting, customer_key
  FROM orders WHERE org_id = $1 AND counted {orders}
), part (connection_id, business_day, currency, {names}) AS (
  {" UNION ALL ".join(parts)}
), days AS (
  INSERT INTO daily_sales AS d (org_id, connection_id, day, currency, {names})
  SELECT $1, connection_id, business_day, currency, {sums} FROM part GROUP BY connection_id, business_day, currency
  HAVING ({", ".join(f"sum({f})" for f in _FIGURES)}) <> ({", ".join("0" for _ in _FIGURES)})
  ON CONFLICT (org_id, day, connection_id, currency) DO UPDATE SET {adds}
)
INSERT INTO daily_sku_sales AS d (org_id, connection_id, day, sku, units, revenue_reporting)
SELECT $1, s.connection_id, s.business_day, commerce_item(l.sku, l.variation_id, l.product_id),
       {sign}sum(l.quantity), {sign}sum({_converted("l.total")})
FROM sold s CROSS JOIN LATERAL (
  SELECT * FROM order_lines i
  WHERE i.org_id = $1 AND i.connection_id = s.connection_id AND i.order_id = s.external_id AND i.kind = 'item' OFFSET 0
) l
GROUP BY 2, 3, 4
ON CONFLICT (org_id, day, connection_id, sku) DO UPDATE
SET units = d.units + excluded.units, revenue_reporting = d.revenue_reporting + excluded.revenue_reporting
"""  # noqa: S608 - built from constants


# A customer's first counted order, for each customer `k` of a list.
_FIRST = """CROSS JOIN LATERAL (SELECT e.business_day, e.currency FROM orders e
  WHERE e.org_id = $1 AND e.connection_id = $2 AND e.customer_key = k.customer AND e.counted
  ORDER BY e.business_at, e.external_id LIMIT 1) e"""
_ORDERS = "AND connection_id = $2 AND external_id = ANY($3::text[])"
_REFUNDS = "AND connection_id = $2 AND external_id = ANY($4::text[])"

# $2 connection, $3 customers
FIRSTS = f"SELECT e.business_day, e.currency, count(*) FROM unnest($3::text[]) AS k(customer) {_FIRST} GROUP BY 1, 2"  # noqa: S608
# $2 connection, $3 order ids, $4 refund ids
LIFT = statement(sign="-", orders=_ORDERS, refunds=_REFUNDS)
# The same, $5 customers, and what FIRSTS gave before: $6 days, $7 currencies, $8 counts
LAY = statement(
    sign="+",
    orders=_ORDERS,
    refunds=_REFUNDS,
    firsts=f"""SELECT $2::bigint AS connection_id, e.business_day, e.currency, 1 AS count
        FROM unnest($5::text[]) AS k(customer) {_FIRST}
        UNION ALL SELECT $2, b.day, b.currency, -b.count
        FROM unnest($6::date[], $7::text[], $8::bigint[]) AS b(day, currency, count)
        """,  # noqa: S608
)
LAY_ALL = statement(
    sign="+",
    orders="",
    refunds="",
    firsts="""SELECT DISTINCT ON (connection_id, customer_key) connection_id, business_day, currency, 1 AS count FROM orders
        WHERE org_id = $1 AND counted AND customer_key IS NOT NULL
        ORDER BY connection_id, customer_key, business_at, external_id""",
)
