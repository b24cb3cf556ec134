-- The cheap comparison that ends every run (docs/proof.md), and comparisons that cover other days every night.

-- The newest of each stream: the store's own count and the rows that changed lately, against ours.
CREATE TABLE glances (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  stream text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  run_id uuid,
  state text NOT NULL CHECK (state IN ('even', 'healed', 'different', 'unknown')),
  reason text NOT NULL DEFAULT '',
  counted bigint, held bigint,         -- rows by the store's count and by ours; NULL: it does not count
  base bigint,                         -- held when the last full comparison ended
  apart bigint,                        -- counted minus held after the last full comparison; NULL: there was none
  since timestamptz,                   -- how far back the changed rows that were looked at go; NULL: none were
  looked bigint NOT NULL DEFAULT 0,    -- how many those were
  found bigint NOT NULL DEFAULT 0, healed bigint NOT NULL DEFAULT 0,
  requests integer NOT NULL DEFAULT 0, -- what it cost the store
  full_at timestamptz,                 -- when it last had everything compared
  PRIMARY KEY (org_id, connection_id, stream)
);
SELECT portal_protect('glances');

-- A day of the list carries when it was compared: `at` beside its figures. `moved_at`: when anybody last changed the row.
ALTER TABLE reconciliations ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE reconciliations ADD COLUMN windows jsonb;  -- what was compared of a list that is never whole: [[since, until]]
CREATE INDEX reconciliations_moved ON reconciliations (org_id, moved_at DESC);

-- What each attempt at a run did, in detail (portal/sync/run_log.py).
ALTER TABLE client_api_sync_results ADD COLUMN log jsonb NOT NULL DEFAULT '[]';

-- What one run is looked up by on its page.
CREATE INDEX IF NOT EXISTS reconciliations_run ON reconciliations (run_id);

-- The agency's list adds up each connection's last seven days.
CREATE INDEX client_api_sync_results_week ON client_api_sync_results (org_id, connection_id, queued_at);
