-- What a store says of an order beside its money, and where a product's stock lies (docs/adr/0019-details-of-orders.md).
-- Read by one page, summed by nobody, replaced with their row: so they are columns of it. NULL: the platform does not say.
ALTER TABLE orders
  ADD COLUMN payments jsonb,           -- commerce.records.Payment, one object each
  ADD COLUMN shipments jsonb,          -- Shipment, with its parcels
  ADD COLUMN returns jsonb;            -- Return, with its lines
ALTER TABLE products ADD COLUMN stock_at jsonb;  -- StockAt: the quantity by location

-- Stock by place: a row per product and location, of what v_inventory_items counts. A product whose places are not told has none.
CREATE VIEW v_stock_at WITH (security_invoker = true) AS
SELECT p.org_id, p.connection_id, p.external_id AS product_id, commerce_item(p.sku, NULL, p.external_id) AS item,
       l.location_id, coalesce(l.location_name, '') AS location_name, l.quantity
FROM products p
CROSS JOIN LATERAL jsonb_to_recordset(p.stock_at) AS l(location_id text, location_name text, quantity numeric)
WHERE p.deleted_at IS NULL AND p.kind NOT IN ('variable', 'grouped', 'external') AND p.status IN ('published', 'private');
GRANT SELECT ON v_stock_at TO portal_app, portal_platform;
