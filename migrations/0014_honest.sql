-- Numbers that are known, or said not to be (docs/metrics.md).

-- Amounts that are none ------------------------------------------------------------------------------------------------
-- `numeric` takes NaN and infinities, and one of them in a total is in every sum that has it. The ledger refuses such a row with
-- its reason (portal/commerce/finite.py); this refuses whatever comes by another way. NaN is greater than all else, so that two
-- comparisons are enough. NOT VALID: rows that are there are not read, so the table is locked for a moment only.
ALTER TABLE orders ADD CONSTRAINT orders_finite CHECK (
  total > '-Infinity' AND total < 'Infinity' AND total_tax > '-Infinity' AND total_tax < 'Infinity'
  AND discount_total > '-Infinity' AND discount_total < 'Infinity' AND shipping_total > '-Infinity' AND shipping_total < 'Infinity'
  AND fee_total > '-Infinity' AND fee_total < 'Infinity' AND units > '-Infinity' AND units < 'Infinity'
  AND rate > '-Infinity' AND rate < 'Infinity') NOT VALID;
ALTER TABLE order_lines ADD CONSTRAINT order_lines_finite CHECK (
  quantity > '-Infinity' AND quantity < 'Infinity' AND unit_price > '-Infinity' AND unit_price < 'Infinity'
  AND subtotal > '-Infinity' AND subtotal < 'Infinity' AND total > '-Infinity' AND total < 'Infinity'
  AND total_tax > '-Infinity' AND total_tax < 'Infinity') NOT VALID;
ALTER TABLE refunds ADD CONSTRAINT refunds_finite CHECK (amount > '-Infinity' AND amount < 'Infinity'
  AND rate > '-Infinity' AND rate < 'Infinity') NOT VALID;
ALTER TABLE refund_lines ADD CONSTRAINT refund_lines_finite CHECK (
  quantity > '-Infinity' AND quantity < 'Infinity' AND total > '-Infinity' AND total < 'Infinity'
  AND total_tax > '-Infinity' AND total_tax < 'Infinity') NOT VALID;
ALTER TABLE products ADD CONSTRAINT products_finite CHECK (
  price > '-Infinity' AND price < 'Infinity' AND regular_price > '-Infinity' AND regular_price < 'Infinity'
  AND sale_price > '-Infinity' AND sale_price < 'Infinity' AND quantity > '-Infinity' AND quantity < 'Infinity'
  AND low_stock_threshold > '-Infinity' AND low_stock_threshold < 'Infinity') NOT VALID;
ALTER TABLE coupons ADD CONSTRAINT coupons_finite CHECK (amount > '-Infinity' AND amount < 'Infinity') NOT VALID;
ALTER TABLE tax_rates ADD CONSTRAINT tax_rates_finite CHECK (rate_percent > '-Infinity' AND rate_percent < 'Infinity') NOT VALID;
ALTER TABLE fees ADD CONSTRAINT fees_finite CHECK (amount > '-Infinity' AND amount < 'Infinity') NOT VALID;
ALTER TABLE exchange_rates ADD CONSTRAINT exchange_rates_finite CHECK (rate < 'Infinity') NOT VALID;
ALTER TABLE exchange_quotes ADD CONSTRAINT exchange_quotes_finite CHECK (rate < 'Infinity') NOT VALID;
ALTER TABLE published_rates ADD CONSTRAINT published_rates_finite CHECK (rate < 'Infinity') NOT VALID;

-- Until when a source is known -----------------------------------------------------------------------------------------
-- A store that is read is known until now (how old that is, its tile says); one whose first reading is under way, which begins with
-- its oldest orders, as soon as it has one, or a refund, of today. A file ends: with its last day, and on that day, if it is today, with its last
-- order or refund. `last_day` NULL: a store that is read, or a source without a sale.
CREATE VIEW v_known_until WITH (security_invoker = true) AS
SELECT c.org_id, c.id AS connection_id, c.connection_name AS name, l.day AS last_day,
       CASE WHEN c.polled THEN CASE WHEN f.reached THEN timestamptz 'infinity' END
            WHEN l.day >= d.today THEN coalesce(n.newest, d.today_from)
            ELSE portal_midnight(l.day + 1, o.timezone) - interval '1 microsecond' END AS until,
       CASE WHEN c.polled THEN f.reached ELSE coalesce(l.day >= d.today, false) END AS knows_today
FROM organizations o
CROSS JOIN LATERAL (
  SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today, portal_midnight((portal_now() AT TIME ZONE o.timezone)::date, o.timezone) AS today_from
  OFFSET 0
) d
JOIN client_api_credentials c ON c.org_id = o.id
-- The newest of today, looked for only where it decides something (CASE), and by the index by time alone (OFFSET 0): the planner takes a
-- connection's orders for a handful and would read them all, for every tile.
CROSS JOIN LATERAL (
  SELECT CASE WHEN NOT c.polled OR c.last_success_at IS NULL THEN greatest(
    (SELECT max(t.at) FROM (
       SELECT r.connection_id, r.business_at AS at FROM orders r
       WHERE r.org_id = c.org_id AND r.counted AND r.deleted_at IS NULL AND r.business_at >= d.today_from OFFSET 0) t
     WHERE t.connection_id = c.id),
    (SELECT max(t.at) FROM (
       SELECT r.connection_id, r.refunded_at AS at FROM refunds r
       WHERE r.org_id = c.org_id AND r.counted AND r.refunded_at >= d.today_from OFFSET 0) t
     WHERE t.connection_id = c.id)) END AS newest
  OFFSET 0
) n
CROSS JOIN LATERAL (
  SELECT c.last_success_at IS NOT NULL OR n.newest IS NOT NULL
    OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = c.org_id AND s.connection_id = c.id AND s.stream = 'orders'
                 AND s.completed_at IS NOT NULL) AS reached
  OFFSET 0
) f
LEFT JOIN LATERAL (
  SELECT q.day FROM daily_sales q
  WHERE NOT c.polled AND q.org_id = c.org_id AND q.connection_id = c.id AND (q.orders > 0 OR q.refund_count > 0)
  ORDER BY q.day DESC LIMIT 1
) l ON true;
GRANT SELECT ON v_known_until TO portal_app, portal_platform;

-- As in 0008, by what is known: figures of today are NULL where no source that counts knows today, sums where not one amount has a
-- rate, and comparisons where the two sides are not of the same sources, hours and orders.
CREATE OR REPLACE VIEW v_sales_pulse_current WITH (security_invoker = true) AS
SELECT
  o.id AS org_id,
  d.today AS date,
  round(t.revenue, 2) AS total_revenue,
  t.orders AS total_orders,
  a.aov AS avg_order_value,
  CASE WHEN t.comparable AND t.without_rate = 0 THEN commerce_change_pct(t.revenue, t.last_revenue) END AS revenue_vs_last_week_pct,
  CASE WHEN t.comparable THEN commerce_change_pct(t.orders, t.last_orders) END AS orders_vs_last_week_pct,
  round(100.0 * t.fulfilled / nullif(t.orders, 0), 1) AS fulfillment_rate_pct,
  s.top_5_skus,
  -- for the page
  o.reporting_currency::text AS reporting_currency,
  o.timezone AS timezone,
  k.known,
  t.unconverted AS unconverted_orders,
  a.last_aov AS last_week_avg_order_value,
  CASE WHEN t.comparable THEN commerce_change_pct(a.aov, a.last_aov) END AS aov_vs_last_week_pct,
  round(t.last_revenue, 2) AS last_week_revenue,
  t.last_orders AS last_week_orders,
  t.today_by_hour, t.last_week_by_hour,
  h.revenue_14d, h.orders_14d, h.aov_14d,
  v.data_as_of,
  t.known_until,
  t.unconverted_refunds
FROM organizations o
CROSS JOIN LATERAL (SELECT portal_now() AS at, portal_now() AT TIME ZONE o.timezone AS local_now OFFSET 0) n
-- OFFSET 0 keeps the bounds values: as expressions (AT TIME ZONE is not leakproof) row-level security bars them from the indexes.
CROSS JOIN LATERAL (
  SELECT n.local_now::date AS today, n.local_now::date - 13 AS day_14, n.local_now::date - 29 AS day_30,
         portal_midnight(n.local_now::date, o.timezone) AS today_from,
         portal_midnight(n.local_now::date + 1, o.timezone) AS today_to,
         portal_midnight(n.local_now::date - 7, o.timezone) AS last_from,
         portal_midnight(n.local_now::date - 6, o.timezone) AS last_to,
         portal_midnight(n.local_now::date - 29, o.timezone) AS day_30_from
  OFFSET 0
) d
CROSS JOIN LATERAL (SELECT commerce_knows_orders(o.id) AS known OFFSET 0) k
LEFT JOIN LATERAL (
  -- A row counts within its connection's own time. The picture is made once (MATERIALIZED), not again for each row.
  -- `last_until`: how much of last week is the same part of the day as what is known of today. NULL of a source that counts today and
  -- knows nothing of it: its last week is left out, as its today is.
  WITH counts AS MATERIALIZED (
    SELECT p.connection_id, p.begins, p.ends, u.today, CASE WHEN u.today THEN k.until END AS until,
           CASE WHEN NOT u.today OR k.until >= d.today_from
             THEN (CASE WHEN u.today AND k.until < n.at THEN k.until AT TIME ZONE o.timezone ELSE n.local_now END
                   - interval '7 days') AT TIME ZONE o.timezone END AS last_until
    FROM v_picture p JOIN v_known_until k ON k.org_id = p.org_id AND k.connection_id = p.connection_id
    CROSS JOIN LATERAL (SELECT p.begins <= n.at AND p.ends > n.at AS today) u
    WHERE p.org_id = o.id
  ), known AS MATERIALIZED (
    -- Until when somebody who counts knows today. A file of days without times puts all of today at its first instant: no part
    -- of last week is the same.
    SELECT coalesce(max(least(c.until, n.at)) >= d.today_from, false) AS today, max(least(c.until, n.at)) AS until,
           nullif(max(c.until), 'infinity') AS ends, coalesce(bool_and(c.until <> d.today_from), false) AS comparable
    FROM counts c WHERE c.today AND c.until IS NOT NULL  -- `least` would pass over one that is known of nothing
  ), entry AS MATERIALIZED (
    SELECT true AS today, 1 AS orders, r.business_at AS at, r.total_reporting AS amount, r.fulfilment, false AS so_far
    FROM orders r JOIN counts c ON c.connection_id = r.connection_id AND r.business_at >= c.begins AND r.business_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.today_from AND r.business_at < d.today_to
    UNION ALL
    SELECT false, 1, r.business_at, r.total_reporting, NULL, r.business_at <= c.last_until
    FROM orders r JOIN counts c ON c.connection_id = r.connection_id AND r.business_at >= c.begins AND r.business_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.last_from AND r.business_at < d.last_to AND c.last_until IS NOT NULL
    UNION ALL
    SELECT true, 0, r.refunded_at, -r.amount_reporting, NULL, false
    FROM refunds r JOIN counts c ON c.connection_id = r.connection_id AND r.refunded_at >= c.begins AND r.refunded_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.refunded_at >= d.today_from AND r.refunded_at < d.today_to
    UNION ALL
    SELECT false, 0, r.refunded_at, -r.amount_reporting, NULL, r.refunded_at <= c.last_until
    FROM refunds r JOIN counts c ON c.connection_id = r.connection_id AND r.refunded_at >= c.begins AND r.refunded_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.refunded_at >= d.last_from AND r.refunded_at < d.last_to
      AND c.last_until IS NOT NULL
  ), hours AS (
    -- An hour in which nothing could be converted is not one that brought nothing.
    SELECT extract(hour FROM e.at AT TIME ZONE o.timezone)::int AS hour,
           count(*) FILTER (WHERE e.today) AS entries, count(*) FILTER (WHERE NOT e.today) AS last_entries,
           sum(e.amount) FILTER (WHERE e.today) AS today, sum(e.amount) FILTER (WHERE NOT e.today) AS last_week
    FROM entry e GROUP BY 1
  ), total AS (
    SELECT
      sum(e.amount) FILTER (WHERE e.today) AS revenue,
      count(*) FILTER (WHERE e.today) AS entries,
      coalesce(sum(e.orders) FILTER (WHERE e.today), 0) AS orders,
      count(e.amount) FILTER (WHERE e.today AND e.orders = 1) AS converted,
      count(*) FILTER (WHERE e.today AND e.orders = 1 AND e.amount IS NULL) AS unconverted,
      count(*) FILTER (WHERE e.today AND e.orders = 0 AND e.amount IS NULL) AS unconverted_refunds,
      count(*) FILTER (WHERE e.fulfilment IN ('fulfilled', 'not_required')) AS fulfilled,
      sum(e.amount) FILTER (WHERE e.so_far) AS last_revenue,
      count(*) FILTER (WHERE e.so_far) AS last_entries,
      coalesce(sum(e.orders) FILTER (WHERE e.so_far), 0) AS last_orders,
      count(e.amount) FILTER (WHERE e.so_far AND e.orders = 1) AS last_converted,
      count(*) FILTER (WHERE (e.today OR e.so_far) AND e.amount IS NULL) AS without_rate
    FROM entry e
  )
  SELECT
    CASE WHEN k.today AND NOT (x.orders > 0 AND x.converted = 0) AND (x.entries = 0 OR x.revenue IS NOT NULL)
      THEN coalesce(x.revenue, 0) END AS revenue,
    CASE WHEN k.today THEN x.orders END AS orders,
    CASE WHEN NOT (x.last_orders > 0 AND x.last_converted = 0) AND (x.last_entries = 0 OR x.last_revenue IS NOT NULL)
      THEN coalesce(x.last_revenue, 0) END AS last_revenue,
    x.last_orders, x.converted, x.last_converted, x.unconverted, x.unconverted_refunds, x.fulfilled, x.without_rate,
    k.today AS known_today, k.ends AS known_until, k.comparable, (k.until AT TIME ZONE o.timezone)::date AS known_day,
    -- Hours that have not begun, or are not known yet, are NULL today; last week's day is whole.
    (SELECT array_agg(CASE WHEN k.today AND g <= extract(hour FROM k.until AT TIME ZONE o.timezone)
                             AND (h.today IS NOT NULL OR coalesce(h.entries, 0) = 0)
                           THEN round(coalesce(h.today, 0), 2) END ORDER BY g)
     FROM generate_series(0, 23) g LEFT JOIN hours h ON h.hour = g) AS today_by_hour,
    (SELECT array_agg(CASE WHEN k.today AND (h.last_week IS NOT NULL OR coalesce(h.last_entries, 0) = 0)
                           THEN round(coalesce(h.last_week, 0), 2) END ORDER BY g)
     FROM generate_series(0, 23) g LEFT JOIN hours h ON h.hour = g) AS last_week_by_hour
  FROM total x CROSS JOIN known k
) t ON k.known
LEFT JOIN LATERAL (
  SELECT round(t.revenue / nullif(t.converted, 0), 2) AS aov, round(t.last_revenue / nullif(t.last_converted, 0), 2) AS last_aov
) a ON true
LEFT JOIN LATERAL (
  SELECT coalesce(jsonb_agg(jsonb_build_object('sku', x.sku, 'revenue_30d', round(x.revenue, 2), 'units_sold_30d', trim_scale(x.units))
                            ORDER BY x.revenue DESC NULLS LAST, x.units DESC, x.sku), '[]') AS top_5_skus
  FROM (
    WITH counts AS MATERIALIZED (
      SELECT p.connection_id, p.first_day, p.end_day, p.begins, p.ends FROM v_picture p WHERE p.org_id = o.id
    ), unknown AS MATERIALIZED (
      -- Units whose price has no rate. Looked for only where the rollups say that there are such orders.
      SELECT commerce_item(l.sku, l.variation_id, l.product_id) AS sku, sum(l.quantity) AS units
      FROM orders r JOIN counts c ON c.connection_id = r.connection_id AND r.business_at >= c.begins AND r.business_at < c.ends
      CROSS JOIN LATERAL (
        SELECT * FROM order_lines i
        WHERE i.org_id = r.org_id AND i.connection_id = r.connection_id AND i.order_id = r.external_id AND i.kind = 'item' OFFSET 0
      ) l
      WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL AND r.total_reporting IS NULL
        AND r.business_at >= d.day_30_from AND r.business_at < d.today_to
        AND EXISTS (SELECT FROM daily_sales q WHERE q.org_id = o.id AND q.day >= d.day_30 AND q.day <= d.today AND q.unconverted_orders > 0)
      GROUP BY 1
    ), sold AS (
      SELECT q.sku, sum(q.revenue_reporting) AS revenue, sum(q.units) AS units
      FROM daily_sku_sales q JOIN counts c ON c.connection_id = q.connection_id AND q.day >= c.first_day AND q.day < c.end_day
      WHERE q.org_id = o.id AND q.day >= d.day_30 AND q.day <= d.today
      GROUP BY q.sku
      HAVING q.sku <> '' AND sum(q.units) > 0
    )
    SELECT s.sku, CASE WHEN u.units >= s.units AND s.revenue = 0 THEN NULL ELSE s.revenue END AS revenue, s.units
    FROM sold s LEFT JOIN unknown u ON u.sku = s.sku
    ORDER BY 2 DESC NULLS LAST, 3 DESC, 1 LIMIT 5
  ) x
) s ON k.known
LEFT JOIN LATERAL (
  SELECT array_agg(CASE WHEN w.known AND (x.converted > 0 OR coalesce(x.orders, 0) = 0) THEN round(coalesce(x.revenue, 0), 2) END
                   ORDER BY g) AS revenue_14d,
         array_agg(CASE WHEN w.known THEN coalesce(x.orders, 0) END ORDER BY g) AS orders_14d,
         array_agg(round(x.revenue / nullif(x.converted, 0), 2) ORDER BY g) AS aov_14d
  FROM generate_series(0, 13) g
  CROSS JOIN LATERAL (SELECT d.day_14 + g <= coalesce(t.known_day, d.today - 1) AS known) w
  LEFT JOIN (
    WITH counts AS MATERIALIZED (
      SELECT p.connection_id, p.first_day, p.end_day FROM v_picture p WHERE p.org_id = o.id
    )
    SELECT q.day, sum(q.gross_reporting - q.refunds_reporting) AS revenue, sum(q.orders)::bigint AS orders,
           sum(q.orders - q.unconverted_orders) AS converted
    FROM daily_sales q JOIN counts c ON c.connection_id = q.connection_id AND q.day >= c.first_day AND q.day < c.end_day
    WHERE q.org_id = o.id AND q.day >= d.day_14 AND q.day <= d.today GROUP BY q.day
  ) x ON x.day = d.day_14 + g
) h ON k.known
LEFT JOIN tenant_versions v ON v.org_id = o.id;

-- What each store brought today; of one that ends before today (a file) nothing is known of it.
CREATE OR REPLACE VIEW v_stores_today WITH (security_invoker = true) AS
SELECT o.id AS org_id, d.today AS date, o.reporting_currency::text AS reporting_currency, c.id AS connection_id,
       c.connection_name AS name, c.platform_type AS platform, c.last_success_at AS data_as_of,
       h.holds, h.holds OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = c.org_id AND s.connection_id = c.id AND s.stream = 'orders'
                                     AND s.completed_at IS NOT NULL) AS known,
       (SELECT x.state FROM reconciliations x WHERE x.org_id = c.org_id AND x.connection_id = c.id AND x.stream = 'orders'
        ORDER BY x.id DESC LIMIT 1) AS reconciled,
       CASE WHEN c.shadow THEN 'shadow' WHEN c.counts_from > d.today THEN 'later' WHEN c.counts_until <= d.today THEN 'earlier'
            ELSE 'today' END AS counts,
       q.currency, q.orders, q.unconverted_orders, q.gross - q.refunds AS revenue_own, q.gross_reporting - q.refunds_reporting AS revenue,
       k.last_day AS known_until, k.knows_today, q.refunds <> 0 AND q.refunds_reporting = 0 AS refunds_without_rate
FROM organizations o
CROSS JOIN LATERAL (SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today OFFSET 0) d
JOIN client_api_credentials c ON c.org_id = o.id AND ((SELECT portal_store()) IS NULL OR c.id = (SELECT portal_store()))
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM orders r WHERE r.org_id = c.org_id AND r.connection_id = c.id) AS holds) h
JOIN v_known_until k ON k.org_id = c.org_id AND k.connection_id = c.id
LEFT JOIN daily_sales q ON q.org_id = o.id AND q.day = d.today AND q.connection_id = c.id;
