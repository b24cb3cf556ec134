-- Commerce: what the stores sold, to whom, and what lies in stock; the daily rollups; the views of the first two tiles.
-- One writer (portal/commerce/ledger.py) fills these tables. No foreign keys on the hot rows: checking one per order and
-- line costs a quarter of the ingest speed, so a trigger on the connection removes its rows instead (at the end).

-- The name an item is counted under: its SKU, else '#' and its variation's or product's id, else '' (a product that is gone).
CREATE FUNCTION commerce_item(sku text, variation_id text, product_id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(sku, ''), '#' || coalesce(variation_id, product_id), '') $$;

-- How many units of the reporting currency one unit of `currency` was worth from `day` on.
CREATE TABLE exchange_rates (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  day date NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  rate numeric NOT NULL CHECK (rate > 0),
  PRIMARY KEY (org_id, currency, day)
);
SELECT portal_protect('exchange_rates');

-- Orders ---------------------------------------------------------------------------------------------------------------
CREATE TABLE orders (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL,    -- the store's clock; a newer copy replaces an older one
  arrived_at timestamptz NOT NULL,     -- when this copy reached the portal
  content bytea NOT NULL, lines_content bytea NOT NULL,  -- digests: has anything changed, have the lines
  number text NOT NULL,
  status text NOT NULL, source_status text NOT NULL, fulfilment text NOT NULL,
  currency text NOT NULL,
  total numeric NOT NULL,              -- gross: with tax, shipping, fees, after discounts, before refunds
  total_tax numeric NOT NULL, discount_total numeric NOT NULL, shipping_total numeric NOT NULL, fee_total numeric NOT NULL,
  prices_include_tax boolean NOT NULL,
  units numeric NOT NULL,              -- of the item lines
  created_at timestamptz NOT NULL, paid_at timestamptz, completed_at timestamptz, deleted_at timestamptz,
  is_test boolean NOT NULL,
  customer_key text,                   -- who bought, as far as it is known: the account, else the guest's e-mail address
  customer_id text, customer_name text NOT NULL, customer_email text NOT NULL, country text NOT NULL,
  payment_method text NOT NULL, note text NOT NULL,
  refund_ids text[],                   -- NULL: the platform does not list them
  meta jsonb NOT NULL,
  business_day date NOT NULL,          -- the organization's local day of business_at
  rate numeric,                        -- to the reporting currency; NULL: unknown, then the order is never added
  -- The revenue rule, stated once: what it is dated by, whether it counts, and what it counts for.
  business_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(paid_at, created_at)) STORED,
  counted boolean NOT NULL GENERATED ALWAYS AS (
    deleted_at IS NULL AND NOT is_test
    AND (status IN ('processing', 'completed', 'on_hold', 'refunded') OR (status IN ('pending', 'other') AND paid_at IS NOT NULL))
  ) STORED,
  total_reporting numeric GENERATED ALWAYS AS (CASE WHEN rate = 1 THEN total ELSE round(total * rate, 4) END) STORED,
  PRIMARY KEY (org_id, connection_id, external_id)
) WITH (fillfactor = 90);
-- Today, the same day last week, and the list newest first, without touching the rows themselves.
CREATE INDEX orders_when ON orders (org_id, business_at, connection_id, external_id)
  INCLUDE (counted, total_reporting, fulfilment) WHERE deleted_at IS NULL;
CREATE INDEX orders_customer ON orders (org_id, connection_id, customer_key, business_at, external_id)
  WHERE counted AND customer_key IS NOT NULL;
SELECT portal_protect('orders');

CREATE TABLE order_lines (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, order_id text NOT NULL,
  position integer NOT NULL,           -- in the store's order, from 0: unique even where a store repeats line ids
  external_id text NOT NULL,
  kind text NOT NULL,                  -- item, shipping, fee, coupon
  product_id text, variation_id text, sku text, name text NOT NULL,
  quantity numeric NOT NULL, unit_price numeric,
  subtotal numeric NOT NULL, total numeric NOT NULL, total_tax numeric NOT NULL,
  PRIMARY KEY (org_id, connection_id, order_id, position)
);
SELECT portal_protect('order_lines');

-- Refunds --------------------------------------------------------------------------------------------------------------
CREATE TABLE refunds (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL,
  order_id text NOT NULL,
  amount numeric NOT NULL,             -- positive, with tax
  own_currency text,                   -- as the platform sent it, if it did
  refunded_at timestamptz NOT NULL, reason text NOT NULL,
  deleted_at timestamptz,
  business_day date NOT NULL,          -- the organization's local day of refunded_at
  -- What follows from its order; settled again whenever either of the two changes.
  currency text,                       -- own, else the order's; NULL: the order has not arrived
  rate numeric,
  counted boolean NOT NULL DEFAULT false,   -- alive, and its order counts
  unlisted boolean NOT NULL DEFAULT false,  -- a newer copy of the order no longer names it: deleted at the store
  amount_reporting numeric GENERATED ALWAYS AS (CASE WHEN rate = 1 THEN amount ELSE round(amount * rate, 4) END) STORED,
  PRIMARY KEY (org_id, connection_id, external_id)
);
CREATE INDEX refunds_order ON refunds (org_id, connection_id, order_id);
CREATE INDEX refunds_when ON refunds (org_id, refunded_at) INCLUDE (amount_reporting) WHERE counted;
SELECT portal_protect('refunds');

CREATE TABLE refund_lines (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, refund_id text NOT NULL,
  position integer NOT NULL, external_id text NOT NULL,
  order_line_id text, sku text,
  quantity numeric NOT NULL, total numeric NOT NULL, total_tax numeric NOT NULL,  -- positive: given back
  PRIMARY KEY (org_id, connection_id, refund_id, position)
);
SELECT portal_protect('refund_lines');

-- Catalogue, customers, coupons, taxes ---------------------------------------------------------------------------------
CREATE TABLE products (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL, deleted_at timestamptz,
  parent_id text, kind text NOT NULL, sku text, name text NOT NULL, status text NOT NULL,
  price numeric, regular_price numeric, sale_price numeric,
  stock_tracked boolean NOT NULL, quantity numeric, stock_status text NOT NULL, backorders text NOT NULL,
  stock_of text,                       -- the product whose stock this one shares; NULL: its own
  low_stock_threshold numeric, categories text[] NOT NULL, image_url text NOT NULL, created_at timestamptz,
  PRIMARY KEY (org_id, connection_id, external_id)
);
SELECT portal_protect('products');

CREATE TABLE customers (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL, deleted_at timestamptz,
  email text NOT NULL, name text NOT NULL, username text NOT NULL, role text NOT NULL,
  country text NOT NULL, city text NOT NULL, is_paying boolean NOT NULL, created_at timestamptz,
  PRIMARY KEY (org_id, connection_id, external_id)
);
SELECT portal_protect('customers');

CREATE TABLE coupons (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL, deleted_at timestamptz,
  code text NOT NULL, kind text NOT NULL, amount numeric NOT NULL, description text NOT NULL,
  usage_count bigint NOT NULL, usage_limit bigint, expires_at timestamptz, free_shipping boolean NOT NULL,
  PRIMARY KEY (org_id, connection_id, external_id)
);
SELECT portal_protect('coupons');

CREATE TABLE tax_rates (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL, deleted_at timestamptz,
  country text NOT NULL, state text NOT NULL, rate_percent numeric NOT NULL, name text NOT NULL, tax_class text NOT NULL,
  priority integer NOT NULL, compound boolean NOT NULL, shipping boolean NOT NULL,
  PRIMARY KEY (org_id, connection_id, external_id)
);
SELECT portal_protect('tax_rates');

-- Deletions heard of before the thing itself, so that an old copy arriving late does not bring it to life.
CREATE TABLE early_deletions (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, stream text NOT NULL, external_id text NOT NULL,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, connection_id, stream, external_id)
);
SELECT portal_protect('early_deletions');

-- Rollups, written in the transaction that changes the rows (docs/adr/0003-rollups.md). A row of zeros means no row. ----
CREATE TABLE daily_sales (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, day date NOT NULL, currency text NOT NULL,
  orders bigint NOT NULL, unconverted_orders bigint NOT NULL, units numeric NOT NULL,
  gross numeric NOT NULL, discounts numeric NOT NULL, tax numeric NOT NULL, shipping numeric NOT NULL, fees numeric NOT NULL,
  refunds numeric NOT NULL, refund_count bigint NOT NULL,
  gross_reporting numeric NOT NULL, discounts_reporting numeric NOT NULL, refunds_reporting numeric NOT NULL,
  customer_orders bigint NOT NULL,     -- orders whose customer is known
  new_customers bigint NOT NULL,       -- of these, a customer's first
  PRIMARY KEY (org_id, day, connection_id, currency)
) WITH (fillfactor = 70);
SELECT portal_protect('daily_sales');

CREATE TABLE daily_sku_sales (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, day date NOT NULL, sku text NOT NULL,  -- commerce_item()
  units numeric NOT NULL, revenue_reporting numeric NOT NULL,  -- line totals: after discounts, without tax, before refunds
  PRIMARY KEY (org_id, day, connection_id, sku)
) WITH (fillfactor = 70);
SELECT portal_protect('daily_sku_sales');

-- A connection that goes takes its rows with it.
CREATE FUNCTION commerce_forget_connection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['orders', 'order_lines', 'refunds', 'refund_lines', 'products', 'customers', 'coupons',
                             'tax_rates', 'early_deletions', 'daily_sales', 'daily_sku_sales'] LOOP
    EXECUTE format('DELETE FROM %I WHERE org_id = $1 AND connection_id = $2', tab) USING OLD.org_id, OLD.id;
  END LOOP;
  RETURN OLD;
END $$;
CREATE TRIGGER forget_commerce BEFORE DELETE ON client_api_credentials
  FOR EACH ROW EXECUTE FUNCTION commerce_forget_connection();
