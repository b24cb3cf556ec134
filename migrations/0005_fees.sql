-- What a platform charges for selling there. Kept beside orders and refunds, and not part of revenue.
CREATE TABLE fees (
  org_id uuid NOT NULL, connection_id bigint NOT NULL, external_id text NOT NULL,
  modified_at timestamptz NOT NULL, arrived_at timestamptz NOT NULL, content bytea NOT NULL, deleted_at timestamptz,
  order_id text,                       -- NULL: of the account, not of one order (storage, subscription)
  kind text NOT NULL,                  -- the platform's word: Commission, FBAPerUnitFulfillmentFee
  amount numeric NOT NULL,             -- positive: charged; negative: given back
  currency text NOT NULL, charged_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, connection_id, external_id)
);
CREATE INDEX fees_order ON fees (org_id, connection_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX fees_when ON fees (org_id, charged_at);
SELECT portal_protect('fees');

CREATE OR REPLACE FUNCTION commerce_forget_connection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['orders', 'order_lines', 'refunds', 'refund_lines', 'products', 'customers', 'coupons',
                             'tax_rates', 'fees', 'early_deletions', 'daily_sales', 'daily_sku_sales'] LOOP
    EXECUTE format('DELETE FROM %I WHERE org_id = $1 AND connection_id = $2', tab) USING OLD.org_id, OLD.id;
  END LOOP;
  RETURN OLD;
END $$;
