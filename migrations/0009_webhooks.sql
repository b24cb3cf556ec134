-- Webhooks in: what became of each delivery, what is registered at the store, and the portal's own test of both
-- (docs/webhooks.md).

ALTER TABLE webhook_deliveries
  ADD COLUMN state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'ignored', 'failed')),
  ADD COLUMN duplicates integer NOT NULL DEFAULT 0,  -- how often the store sent the same one again
  ADD COLUMN attempts integer NOT NULL DEFAULT 0,    -- how often working on it went wrong
  ADD COLUMN next_try_at timestamptz,                -- waiting, but not before then; NULL: now
  ADD COLUMN about text[] NOT NULL DEFAULT '{}',     -- what it told of, as stream:id
  ADD COLUMN replays integer NOT NULL DEFAULT 0,
  ADD COLUMN replayed_at timestamptz;
-- An owner that is no superuser sees no tenant's rows while row-level security is forced on it.
ALTER TABLE webhook_deliveries NO FORCE ROW LEVEL SECURITY;
UPDATE webhook_deliveries SET state = CASE WHEN error IS NULL THEN 'done' ELSE 'failed' END WHERE processed_at IS NOT NULL;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries ADD CHECK ((state = 'waiting') = (processed_at IS NULL));
-- A worker of the version before, still at work while this runs, knows no state: what it ends has one all the same.
CREATE FUNCTION webhook_delivery_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.state := CASE WHEN NEW.error IS NULL THEN 'done' ELSE 'failed' END; RETURN NEW; END $$;
CREATE TRIGGER ended_without_state BEFORE UPDATE ON webhook_deliveries
  FOR EACH ROW WHEN (NEW.processed_at IS NOT NULL AND NEW.state = 'waiting') EXECUTE FUNCTION webhook_delivery_state();
-- The page, newest first: all of a store, of one topic, or those that failed.
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (org_id, connection_id, received_at DESC, id DESC);
CREATE INDEX webhook_deliveries_topic ON webhook_deliveries (org_id, connection_id, topic, received_at DESC, id DESC);
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (org_id, connection_id, received_at DESC, id DESC)
  WHERE state = 'failed';
-- Rows arrive in the order of time, so this costs next to nothing and finds what is old enough to be forgotten.
CREATE INDEX webhook_deliveries_old ON webhook_deliveries USING brin (received_at);

-- One topic of one connection: what the store has registered, and when it last delivered.
CREATE TABLE webhook_subscriptions (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  topic text NOT NULL,
  status text NOT NULL DEFAULT 'unknown'
    CHECK (status IN ('unknown', 'active', 'paused', 'disabled', 'missing', 'elsewhere', 'refused')),
  status_since timestamptz,            -- of this status; NULL: never looked
  delivery_url text NOT NULL DEFAULT '',
  switched_on timestamptz[] NOT NULL DEFAULT '{}',  -- when the portal switched it on again, the last few times
  last_delivery_at timestamptz,
  PRIMARY KEY (org_id, connection_id, topic)
);
SELECT portal_protect('webhook_subscriptions');

ALTER TABLE client_api_credentials
  ADD COLUMN webhook_health jsonb,     -- the findings of the last look at the webhooks, by hand or daily
  -- The secret before this one: what was signed with it and is still on its way is taken until then.
  ADD COLUMN webhook_secret_before bytea,
  ADD COLUMN webhook_secret_before_until timestamptz;

-- Which kinds of notices there are is the code's (stores/notices.py).
ALTER TABLE notices DROP CONSTRAINT IF EXISTS notices_kind_check;
ALTER TABLE notices ADD CONSTRAINT notices_kind_check CHECK (kind ~ '^[a-z_]{1,40}$');
