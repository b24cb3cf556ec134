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
