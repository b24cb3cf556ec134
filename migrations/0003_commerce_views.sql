-- What the tiles read. Every view runs with the reader's rights (row-level security holds) and by portal_now().
-- The formulas in words are in portal/commerce/metrics.py; a test compares both with an independent calculation.

-- Whether anything may be said about a stream: some rows are here, or the store was read to its end and has none.
CREATE FUNCTION commerce_knows_orders(org uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM client_api_credentials c WHERE c.org_id = org)
    AND (EXISTS (SELECT FROM orders r WHERE r.org_id = org)
      OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = org AND s.stream = 'orders' AND s.completed_at IS NOT NULL)) $$;
CREATE FUNCTION commerce_knows_products(org uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM client_api_credentials c WHERE c.org_id = org)
    AND (EXISTS (SELECT FROM products r WHERE r.org_id = org)
      OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = org AND s.stream = 'products' AND s.completed_at IS NOT NULL)) $$;

-- Change in percent of what was, to one decimal; NULL against zero, a negative or an unknown.
CREATE FUNCTION commerce_change_pct(is_now numeric, was numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN was > 0 THEN round(100 * (is_now - was) / was, 1) END $$;

-- One row per organization (with a tenant set: one). Unknown is NULL, zero is zero.
CREATE VIEW v_sales_pulse_current WITH (security_invoker = true) AS
SELECT
  o.id AS org_id,
  d.today AS date,
  round(t.revenue, 2) AS total_revenue,
  t.orders AS total_orders,
  a.aov AS avg_order_value,
  commerce_change_pct(t.revenue, t.last_revenue) AS revenue_vs_last_week_pct,
  commerce_change_pct(t.orders, t.last_orders) AS orders_vs_last_week_pct,
  round(100.0 * t.fulfilled / nullif(t.orders, 0), 1) AS fulfillment_rate_pct,
  s.top_5_skus,
  -- for the page
  o.reporting_currency::text AS reporting_currency,
  o.timezone AS timezone,
  k.known,
  t.unconverted AS unconverted_orders,
  a.last_aov AS last_week_avg_order_value,
  commerce_change_pct(a.aov, a.last_aov) AS aov_vs_last_week_pct,
  round(t.last_revenue, 2) AS last_week_revenue,
  t.last_orders AS last_week_orders,
  t.today_by_hour, t.last_week_by_hour,
  h.revenue_14d, h.orders_14d, h.aov_14d,
  v.data_as_of
FROM organizations o
CROSS JOIN LATERAL (SELECT portal_now() AT TIME ZONE o.timezone AS local_now OFFSET 0) n
-- OFFSET 0 keeps the bounds values: as expressions (AT TIME ZONE is not leakproof) row-level security bars them from the indexes.
CROSS JOIN LATERAL (
  SELECT n.local_now::date AS today, n.local_now::date - 13 AS day_14, n.local_now::date - 29 AS day_30,
         n.local_now::date::timestamp AT TIME ZONE o.timezone AS today_from,
         (n.local_now::date + 1)::timestamp AT TIME ZONE o.timezone AS today_to,
         (n.local_now::date - 7)::timestamp AT TIME ZONE o.timezone AS last_from,
         (n.local_now::date - 6)::timestamp AT TIME ZONE o.timezone AS last_to,
         (n.local_now - interval '7 days') AT TIME ZONE o.timezone AS last_same_time
  OFFSET 0
) d
CROSS JOIN LATERAL (SELECT commerce_knows_orders(o.id) AS known OFFSET 0) k
LEFT JOIN LATERAL (
  WITH entry AS MATERIALIZED (
    SELECT true AS today, 1 AS orders, r.business_at AS at, r.total_reporting AS amount, r.fulfilment
    FROM orders r
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.today_from AND r.business_at < d.today_to
    UNION ALL
    SELECT false, 1, r.business_at, r.total_reporting, NULL
    FROM orders r
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.last_from AND r.business_at < d.last_to
    UNION ALL
    SELECT true, 0, r.refunded_at, -r.amount_reporting, NULL
    FROM refunds r
    WHERE r.org_id = o.id AND r.counted AND r.refunded_at >= d.today_from AND r.refunded_at < d.today_to
    UNION ALL
    SELECT false, 0, r.refunded_at, -r.amount_reporting, NULL
    FROM refunds r
    WHERE r.org_id = o.id AND r.counted AND r.refunded_at >= d.last_from AND r.refunded_at < d.last_to
  ), hours AS (
    SELECT extract(hour FROM e.at AT TIME ZONE o.timezone)::int AS hour,
           sum(e.amount) FILTER (WHERE e.today) AS today, sum(e.amount) FILTER (WHERE NOT e.today) AS last_week
    FROM entry e GROUP BY 1
  )
  SELECT
    coalesce(sum(e.amount) FILTER (WHERE e.today), 0) AS revenue,
    coalesce(sum(e.orders) FILTER (WHERE e.today), 0) AS orders,
    count(e.amount) FILTER (WHERE e.today AND e.orders = 1) AS converted,
    count(*) FILTER (WHERE e.today AND e.orders = 1 AND e.amount IS NULL) AS unconverted,
    count(*) FILTER (WHERE e.fulfilment IN ('fulfilled', 'not_required')) AS fulfilled,
    coalesce(sum(e.amount) FILTER (WHERE NOT e.today AND e.at <= d.last_same_time), 0) AS last_revenue,
    coalesce(sum(e.orders) FILTER (WHERE NOT e.today AND e.at <= d.last_same_time), 0) AS last_orders,
    count(e.amount) FILTER (WHERE NOT e.today AND e.orders = 1 AND e.at <= d.last_same_time) AS last_converted,
    -- Hours that have not begun are NULL today; last week's day is whole.
    (SELECT array_agg(CASE WHEN g <= extract(hour FROM n.local_now) THEN round(coalesce(x.today, 0), 2) END ORDER BY g)
     FROM generate_series(0, 23) g LEFT JOIN hours x ON x.hour = g) AS today_by_hour,
    (SELECT array_agg(round(coalesce(x.last_week, 0), 2) ORDER BY g)
     FROM generate_series(0, 23) g LEFT JOIN hours x ON x.hour = g) AS last_week_by_hour
  FROM entry e
) t ON k.known
LEFT JOIN LATERAL (
  SELECT round(t.revenue / nullif(t.converted, 0), 2) AS aov, round(t.last_revenue / nullif(t.last_converted, 0), 2) AS last_aov
) a ON true
LEFT JOIN LATERAL (
  SELECT coalesce(jsonb_agg(jsonb_build_object('sku', x.sku, 'revenue_30d', round(x.revenue, 2), 'units_sold_30d', trim_scale(x.units))
                            ORDER BY x.revenue DESC, x.units DESC, x.sku), '[]') AS top_5_skus
  FROM (
    SELECT q.sku, sum(q.revenue_reporting) AS revenue, sum(q.units) AS units
    FROM daily_sku_sales q
    WHERE q.org_id = o.id AND q.day >= d.day_30 AND q.day <= d.today
    GROUP BY q.sku
    HAVING q.sku <> '' AND sum(q.units) > 0
    ORDER BY 2 DESC, 3 DESC, 1 LIMIT 5
  ) x
) s ON k.known
LEFT JOIN LATERAL (
  SELECT array_agg(round(coalesce(x.revenue, 0), 2) ORDER BY g) AS revenue_14d,
         array_agg(coalesce(x.orders, 0) ORDER BY g) AS orders_14d,
         array_agg(round(x.revenue / nullif(x.converted, 0), 2) ORDER BY g) AS aov_14d
  FROM generate_series(0, 13) g
  LEFT JOIN (
    SELECT q.day, sum(q.gross_reporting - q.refunds_reporting) AS revenue, sum(q.orders)::bigint AS orders,
           sum(q.orders - q.unconverted_orders) AS converted
    FROM daily_sales q WHERE q.org_id = o.id AND q.day >= d.day_14 AND q.day <= d.today GROUP BY q.day
  ) x ON x.day = d.day_14 + g
) h ON k.known
LEFT JOIN tenant_versions v ON v.org_id = o.id;

-- Everything that is kept in stock, one row per connection and SKU (without one: per product), with its velocity and cover.
-- Variations that share their parent's stock are one pool: its quantity is counted once.
CREATE VIEW v_inventory_items WITH (security_invoker = true) AS
WITH org AS MATERIALIZED (
  SELECT o.id, (portal_now() AT TIME ZONE o.timezone)::date AS today,
         (portal_now() AT TIME ZONE o.timezone)::date - 29 AS day_30, o.lead_time_days, o.safety_days, o.overstock_days
  FROM organizations o
), pool AS (
  SELECT p.org_id, p.connection_id, commerce_item(p.sku, NULL, p.external_id) AS item,
         min(p.sku) AS sku, min(p.name) AS name, min(p.external_id) AS product_id, max(p.quantity) AS quantity,
         bool_and(p.stock_status = 'out_of_stock') AS says_out, bool_or(p.stock_tracked) AS tracked,
         max(p.low_stock_threshold) AS threshold, min(p.created_at) AS created_at, min(p.image_url) AS image_url,
         count(*) AS products
  FROM products p
  WHERE p.deleted_at IS NULL AND p.kind NOT IN ('variable', 'grouped', 'external') AND p.status IN ('published', 'private')
  GROUP BY p.org_id, p.connection_id, commerce_item(p.sku, NULL, p.external_id), coalesce(p.stock_of, p.external_id)
), part AS (
  -- One aggregate and no join: of a new tenant the planner expects one row, and would compare each item with each sale.
  SELECT org_id, connection_id, item, sku, name, product_id, quantity, says_out, tracked, threshold, created_at, image_url,
         products, NULL::numeric AS units, NULL::numeric AS revenue FROM pool
  UNION ALL
  SELECT q.org_id, q.connection_id, q.sku, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, q.units, q.revenue_reporting
  FROM org JOIN daily_sku_sales q ON q.org_id = org.id AND q.day >= org.day_30 AND q.day <= org.today
), stock AS (
  SELECT org_id, connection_id, item, min(sku) AS sku, min(name) AS name, min(product_id) AS product_id,
         sum(quantity) AS quantity, bool_and(says_out) AS says_out, bool_or(tracked) AS tracked, max(threshold) AS threshold,
         min(created_at) AS created_at, min(image_url) AS image_url, sum(products)::bigint AS products,
         greatest(coalesce(sum(units), 0), 0) AS units, coalesce(sum(revenue), 0) AS revenue
  FROM part GROUP BY org_id, connection_id, item HAVING sum(products) > 0
), measured AS (
  SELECT k.*, g.lead_time_days, g.safety_days, g.overstock_days FROM stock k JOIN org g ON g.id = k.org_id
), covered AS (
  SELECT m.*,
         -- velocity = units / 30 a day; written without the division so that nothing is rounded twice
         CASE WHEN units > 0 AND quantity IS NOT NULL THEN floor(greatest(quantity, 0) * 30 / units)::bigint END AS cover,
         CASE WHEN quantity IS NOT NULL THEN ceil(units * (lead_time_days + safety_days) / 30)::bigint END AS reorder_point
  FROM measured m
), judged AS (
  SELECT c.*,
    CASE
      WHEN quantity <= 0 OR says_out THEN 'out_of_stock'
      WHEN quantity <= greatest(reorder_point, coalesce(threshold, 0)) THEN 'low_stock'
      WHEN cover > overstock_days THEN 'overstock'
      -- Unsold for 30 days is less than one a month: the cover is at least 30 days a piece.
      WHEN units = 0 AND quantity * 30 > overstock_days AND (created_at IS NULL OR created_at < portal_now() - interval '30 days')
        THEN 'overstock'
    END AS alert_type
  FROM covered c
)
SELECT org_id, connection_id, item, product_id, sku, coalesce(sku, item) AS shown_sku, name AS product_name, image_url, products,
       tracked AS stock_tracked, trim_scale(quantity) AS quantity_available, cover AS days_of_cover, reorder_point,
       trim_scale(units) AS units_sold_30d, round(revenue, 2) AS revenue_30d, trim_scale(threshold) AS low_stock_threshold,
       alert_type,
       CASE
         WHEN alert_type = 'out_of_stock' AND units > 0 THEN 'critical'
         WHEN alert_type = 'low_stock' AND cover < 5 THEN 'critical'
         WHEN alert_type = 'low_stock' AND cover < 14 THEN 'high'
         WHEN alert_type IN ('out_of_stock', 'low_stock') THEN 'medium'
         WHEN alert_type = 'overstock' THEN 'low'
       END AS alert_severity,
       CASE
         WHEN quantity <= 0 OR says_out THEN 'out'
         WHEN quantity IS NULL THEN 'untracked'
         WHEN alert_type = 'overstock' THEN 'over'
         WHEN cover < 5 THEN 'critical'
         WHEN cover < 14 OR alert_type = 'low_stock' THEN 'low'
         WHEN cover < 60 THEN 'covered'
         ELSE 'ample'
       END AS cover_bucket
FROM judged;

CREATE VIEW v_inventory_alerts WITH (security_invoker = true) AS
SELECT org_id, connection_id, item, product_id, shown_sku AS sku, product_name, alert_type, alert_severity, quantity_available,
       days_of_cover, reorder_point, units_sold_30d
FROM v_inventory_items WHERE alert_type IS NOT NULL;

-- One row per organization; NULL where no stock is known.
CREATE VIEW v_inventory_summary WITH (security_invoker = true) AS
SELECT o.id AS org_id, k.known,
       CASE WHEN k.known THEN coalesce(c.critical_alerts, 0) END AS critical_alerts, CASE WHEN k.known THEN coalesce(c.high_alerts, 0) END AS high_alerts,
       CASE WHEN k.known THEN coalesce(c.medium_alerts, 0) END AS medium_alerts, CASE WHEN k.known THEN coalesce(c.low_alerts, 0) END AS low_alerts,
       CASE WHEN k.known THEN coalesce(c.total_alerts, 0) END AS total_alerts,
       CASE WHEN k.known THEN coalesce(c.out_of_stock, 0) END AS out_of_stock, CASE WHEN k.known THEN coalesce(c.low_stock, 0) END AS low_stock,
       CASE WHEN k.known THEN coalesce(c.overstock, 0) END AS overstock,
       CASE WHEN k.known THEN coalesce(c.items, 0) END AS items, CASE WHEN k.known THEN coalesce(c.untracked_items, 0) END AS untracked_items
FROM organizations o
CROSS JOIN LATERAL (SELECT commerce_knows_products(o.id) AS known OFFSET 0) k
LEFT JOIN (
  SELECT org_id, count(*) AS items, count(*) FILTER (WHERE cover_bucket = 'untracked') AS untracked_items,
         count(alert_type) AS total_alerts,
         count(*) FILTER (WHERE alert_severity = 'critical') AS critical_alerts,
         count(*) FILTER (WHERE alert_severity = 'high') AS high_alerts,
         count(*) FILTER (WHERE alert_severity = 'medium') AS medium_alerts,
         count(*) FILTER (WHERE alert_severity = 'low') AS low_alerts,
         count(*) FILTER (WHERE alert_type = 'out_of_stock') AS out_of_stock,
         count(*) FILTER (WHERE alert_type = 'low_stock') AS low_stock,
         count(*) FILTER (WHERE alert_type = 'overstock') AS overstock
  FROM v_inventory_items GROUP BY org_id
) c ON c.org_id = o.id;

GRANT SELECT ON v_sales_pulse_current, v_inventory_items, v_inventory_alerts, v_inventory_summary TO portal_app, portal_platform;
