-- The search's index, built while orders are being written: a million of them take a minute. What 0011_reads built before stays.

-- A build that was killed leaves an index that is kept up at every write and read by nobody. Dropping it needs the table for a
-- moment: with the patience of a migration that changes one (`migrations/__init__.py`).
DO $$ BEGIN
  PERFORM set_config('lock_timeout', '3s', true);
  IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('public.orders_words') AND NOT indisvalid) THEN
    DROP INDEX public.orders_words;
  END IF;
END $$;

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_words ON orders
  USING gin (commerce_words(org_id, number, customer_name, customer_email)) WHERE deleted_at IS NULL;
