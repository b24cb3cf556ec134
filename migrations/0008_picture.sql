-- The picture: which connections count for which days (docs/adr/0013-the-picture.md). Everything that adds rows over connections
-- goes through v_picture, so that two sources of the same orders never count twice and one store can be looked at alone.

-- A connection's days are a half-open range of the organization's local days, NULL unbounded. In shadow it counts for none.
ALTER TABLE client_api_credentials
  ADD COLUMN shadow boolean NOT NULL DEFAULT false,
  ADD COLUMN counts_from date,
  ADD COLUMN counts_until date,
  ADD COLUMN succeeded_by bigint REFERENCES client_api_credentials ON DELETE SET NULL,  -- who counts today what it counted
  ADD CONSTRAINT counts_some_day CHECK (counts_from < counts_until);

-- Who replaced whom, when, and what both counted before and after: a switch can be taken back.
CREATE TABLE picture_switches (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  old_id bigint REFERENCES client_api_credentials ON DELETE SET NULL,
  new_id bigint REFERENCES client_api_credentials ON DELETE SET NULL,
  old_name text NOT NULL, new_name text NOT NULL,
  day date,                            -- the first day of the new one; NULL: it replaced the old one entirely
  old_before jsonb NOT NULL, new_before jsonb NOT NULL, old_after jsonb NOT NULL, new_after jsonb NOT NULL,  -- {shadow, from, until}
  at timestamptz NOT NULL DEFAULT now(), by_name text NOT NULL DEFAULT '',
  undone_at timestamptz, undone_by_name text
);
CREATE INDEX picture_switches_org ON picture_switches (org_id, id DESC);
SELECT portal_protect('picture_switches');

-- The one store that is looked at; NULL: all that count.
CREATE FUNCTION portal_store() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.store', true), '')::bigint $$;

-- A local day's first instant. Where clocks go back from 01:00 to 00:00 (the Azores, Havana) there are two midnights, and
-- PostgreSQL takes the second: the hour between them would belong to the day by its date and not by its moments.
CREATE FUNCTION portal_midnight(day date, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN ((day::timestamp AT TIME ZONE zone - interval '1 hour') AT TIME ZONE zone)::date = day
              THEN day::timestamp AT TIME ZONE zone - interval '1 hour' ELSE day::timestamp AT TIME ZONE zone END $$;

-- The connections that count, the days they count for and the moments these begin and end. With one store looked at: that one
-- alone, whole, even in shadow. `stock_of`: the connection whose stock these sales have drawn on.
CREATE VIEW v_picture WITH (security_invoker = true) AS
SELECT c.org_id, c.id AS connection_id, CASE WHEN s.store IS NULL THEN coalesce(c.succeeded_by, c.id) ELSE c.id END AS stock_of,
       d.first_day, d.end_day,
       coalesce(portal_midnight(d.first_day, o.timezone), '-infinity') AS begins,
       coalesce(portal_midnight(d.end_day, o.timezone), 'infinity') AS ends
FROM (SELECT portal_store() AS store OFFSET 0) s
CROSS JOIN client_api_credentials c
JOIN organizations o ON o.id = c.org_id
CROSS JOIN LATERAL (SELECT CASE WHEN s.store IS NULL THEN coalesce(c.counts_from, '-infinity') ELSE '-infinity' END AS first_day,
                           CASE WHEN s.store IS NULL THEN coalesce(c.counts_until, 'infinity') ELSE 'infinity' END AS end_day) d
WHERE CASE WHEN s.store IS NULL THEN NOT c.shadow ELSE c.id = s.store END;

-- A connection that goes gives its days to the one it was switched with, and says to whom: no day is left to nobody.
CREATE FUNCTION picture_pass_on(gone client_api_credentials) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE heir bigint;
BEGIN
  IF gone.shadow THEN RETURN NULL; END IF;
  SELECT CASE WHEN s.old_id = gone.id THEN s.new_id ELSE s.old_id END INTO heir FROM picture_switches s
  WHERE s.org_id = gone.org_id AND s.undone_at IS NULL AND gone.id IN (s.old_id, s.new_id)
    AND s.old_id IS NOT NULL AND s.new_id IS NOT NULL ORDER BY s.id DESC LIMIT 1;
  UPDATE client_api_credentials SET shadow = false, succeeded_by = NULL,
    counts_from = CASE WHEN shadow THEN gone.counts_from WHEN counts_from IS NULL OR gone.counts_from IS NULL THEN NULL
                       ELSE least(counts_from, gone.counts_from) END,
    counts_until = CASE WHEN shadow THEN gone.counts_until WHEN counts_until IS NULL OR gone.counts_until IS NULL THEN NULL
                        ELSE greatest(counts_until, gone.counts_until) END
  WHERE id = heir;
  RETURN heir;
END $$;
CREATE FUNCTION picture_inherit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM picture_pass_on(OLD); RETURN NULL; END $$;
-- After the row is gone, so that an organization may go as a whole; first of its triggers (they run by name, foreign keys' are
-- called RI_…), while the switches still say who it was.
CREATE TRIGGER "A_inherit_days" AFTER DELETE ON client_api_credentials
  FOR EACH ROW EXECUTE FUNCTION picture_inherit();

-- The views of 0003, by the picture -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION commerce_knows_orders(org uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM v_picture p WHERE p.org_id = org AND (
    EXISTS (SELECT FROM orders r WHERE r.org_id = org AND r.connection_id = p.connection_id)
    OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = org AND s.connection_id = p.connection_id AND s.stream = 'orders'
                 AND s.completed_at IS NOT NULL))) $$;
CREATE OR REPLACE FUNCTION commerce_knows_products(org uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM v_picture p WHERE p.org_id = org AND p.begins <= portal_now() AND p.ends > portal_now() AND (
    EXISTS (SELECT FROM products r WHERE r.org_id = org AND r.connection_id = p.connection_id)
    OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = org AND s.connection_id = p.connection_id AND s.stream = 'products'
                 AND s.completed_at IS NOT NULL))) $$;

-- One row per organization (with a tenant set: one). Unknown is NULL, zero is zero.
CREATE OR REPLACE VIEW v_sales_pulse_current WITH (security_invoker = true) AS
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
         portal_midnight(n.local_now::date, o.timezone) AS today_from,
         portal_midnight(n.local_now::date + 1, o.timezone) AS today_to,
         portal_midnight(n.local_now::date - 7, o.timezone) AS last_from,
         portal_midnight(n.local_now::date - 6, o.timezone) AS last_to,
         (n.local_now - interval '7 days') AT TIME ZONE o.timezone AS last_same_time
  OFFSET 0
) d
CROSS JOIN LATERAL (SELECT commerce_knows_orders(o.id) AS known OFFSET 0) k
LEFT JOIN LATERAL (
  -- A row counts within its connection's own time. The picture is made once (MATERIALIZED), not again for each row.
  WITH counts AS MATERIALIZED (
    SELECT p.connection_id, p.begins, p.ends FROM v_picture p WHERE p.org_id = o.id
  ), entry AS MATERIALIZED (
    SELECT true AS today, 1 AS orders, r.business_at AS at, r.total_reporting AS amount, r.fulfilment
    FROM orders r JOIN counts c ON c.connection_id = r.connection_id AND r.business_at >= c.begins AND r.business_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.today_from AND r.business_at < d.today_to
    UNION ALL
    SELECT false, 1, r.business_at, r.total_reporting, NULL
    FROM orders r JOIN counts c ON c.connection_id = r.connection_id AND r.business_at >= c.begins AND r.business_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.deleted_at IS NULL
      AND r.business_at >= d.last_from AND r.business_at < d.last_to
    UNION ALL
    SELECT true, 0, r.refunded_at, -r.amount_reporting, NULL
    FROM refunds r JOIN counts c ON c.connection_id = r.connection_id AND r.refunded_at >= c.begins AND r.refunded_at < c.ends
    WHERE r.org_id = o.id AND r.counted AND r.refunded_at >= d.today_from AND r.refunded_at < d.today_to
    UNION ALL
    SELECT false, 0, r.refunded_at, -r.amount_reporting, NULL
    FROM refunds r JOIN counts c ON c.connection_id = r.connection_id AND r.refunded_at >= c.begins AND r.refunded_at < c.ends
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
    WITH counts AS MATERIALIZED (
      SELECT p.connection_id, p.first_day, p.end_day FROM v_picture p WHERE p.org_id = o.id
    )
    SELECT q.sku, sum(q.revenue_reporting) AS revenue, sum(q.units) AS units
    FROM daily_sku_sales q JOIN counts c ON c.connection_id = q.connection_id AND q.day >= c.first_day AND q.day < c.end_day
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

-- Everything that is kept in stock, one row per connection and SKU (without one: per product), with its velocity and cover.
-- Stock is of the connections that count today; what a connection sold that counted before it has drawn on the same stock.
-- Variations that share their parent's stock are one pool: its quantity is counted once.
CREATE OR REPLACE VIEW v_inventory_items WITH (security_invoker = true) AS
WITH org AS MATERIALIZED (
  SELECT o.id, (portal_now() AT TIME ZONE o.timezone)::date AS today,
         (portal_now() AT TIME ZONE o.timezone)::date - 29 AS day_30, o.lead_time_days, o.safety_days, o.overstock_days
  FROM organizations o
), counts AS MATERIALIZED (
  SELECT p.org_id, p.connection_id, p.stock_of, p.first_day, p.end_day FROM v_picture p
), pool AS (
  SELECT p.org_id, p.connection_id, commerce_item(p.sku, NULL, p.external_id) AS item,
         min(p.sku) AS sku, min(p.name) AS name, min(p.external_id) AS product_id, max(p.quantity) AS quantity,
         bool_and(p.stock_status = 'out_of_stock') AS says_out, bool_or(p.stock_tracked) AS tracked,
         max(p.low_stock_threshold) AS threshold, min(p.created_at) AS created_at, min(p.image_url) AS image_url,
         count(*) AS products
  FROM products p JOIN counts c ON c.org_id = p.org_id AND c.connection_id = p.connection_id
  JOIN org ON org.id = p.org_id AND org.today >= c.first_day AND org.today < c.end_day
  WHERE p.deleted_at IS NULL AND p.kind NOT IN ('variable', 'grouped', 'external') AND p.status IN ('published', 'private')
  GROUP BY p.org_id, p.connection_id, commerce_item(p.sku, NULL, p.external_id), coalesce(p.stock_of, p.external_id)
), part AS (
  -- One aggregate and no join: of a new tenant the planner expects one row, and would compare each item with each sale.
  SELECT org_id, connection_id, item, sku, name, product_id, quantity, says_out, tracked, threshold, created_at, image_url,
         products, NULL::numeric AS units, NULL::numeric AS revenue FROM pool
  UNION ALL
  SELECT q.org_id, c.stock_of, q.sku, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, q.units, q.revenue_reporting
  FROM org JOIN daily_sku_sales q ON q.org_id = org.id AND q.day >= org.day_30 AND q.day <= org.today
  JOIN counts c ON c.org_id = q.org_id AND c.connection_id = q.connection_id AND q.day >= c.first_day AND q.day < c.end_day
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

-- What each store brought today, in each currency it sold in. Stores that do not count today are told, not added.
CREATE VIEW v_stores_today WITH (security_invoker = true) AS
SELECT o.id AS org_id, d.today AS date, o.reporting_currency::text AS reporting_currency, c.id AS connection_id,
       c.connection_name AS name, c.platform_type AS platform, c.last_success_at AS data_as_of,
       h.holds, h.holds OR EXISTS (SELECT FROM sync_cursors s WHERE s.org_id = c.org_id AND s.connection_id = c.id AND s.stream = 'orders'
                                     AND s.completed_at IS NOT NULL) AS known,
       (SELECT x.state FROM reconciliations x WHERE x.org_id = c.org_id AND x.connection_id = c.id AND x.stream = 'orders'
        ORDER BY x.id DESC LIMIT 1) AS reconciled,
       CASE WHEN c.shadow THEN 'shadow' WHEN c.counts_from > d.today THEN 'later' WHEN c.counts_until <= d.today THEN 'earlier'
            ELSE 'today' END AS counts,
       q.currency, q.orders, q.unconverted_orders, q.gross - q.refunds AS revenue_own, q.gross_reporting - q.refunds_reporting AS revenue
FROM organizations o
CROSS JOIN LATERAL (SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today OFFSET 0) d
JOIN client_api_credentials c ON c.org_id = o.id AND ((SELECT portal_store()) IS NULL OR c.id = (SELECT portal_store()))
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM orders r WHERE r.org_id = c.org_id AND r.connection_id = c.id) AS holds) h
LEFT JOIN daily_sales q ON q.org_id = o.id AND q.day = d.today AND q.connection_id = c.id;

GRANT SELECT ON v_picture, v_stores_today TO portal_app, portal_platform;
