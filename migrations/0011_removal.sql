-- Removing a connection (docs/operations.md): hidden and uncounted in the moment it is asked for, its rows taken away in parts.
ALTER TABLE client_api_credentials ADD COLUMN removing_at timestamptz;

-- One policy for every query there is and will be, instead of a condition in each: what is being removed is there for nobody but
-- who says that it removes. v_picture, leases, webhooks' addresses and lists all ask this table.
CREATE FUNCTION portal_removing() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('app.removing', true), '') = 'on' $$;
CREATE POLICY removing ON client_api_credentials AS RESTRICTIVE USING (removing_at IS NULL OR (SELECT portal_removing()));

-- What is, or was, removed. No reference to the connection: the row outlasts it.
CREATE TABLE removals (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL,
  name text NOT NULL, platform_type text NOT NULL,
  by_name text NOT NULL DEFAULT '',
  asked_at timestamptz NOT NULL DEFAULT now(),
  uploads bigint[] NOT NULL DEFAULT '{}',      -- of files: the uploads whose rows go with them
  rows_total bigint,                           -- NULL: not counted yet
  rows_done bigint NOT NULL DEFAULT 0,
  webhooks text NOT NULL DEFAULT '',           -- what came of removing them at the store; empty: not tried yet
  lease_owner uuid, lease_until timestamptz,   -- of the worker that removes
  finished_at timestamptz
);
CREATE INDEX removals_org ON removals (org_id, id DESC);
CREATE INDEX removals_waiting ON removals (id) WHERE finished_at IS NULL;
SELECT portal_protect('removals');

-- The days of one that goes, to the one it was switched with (0008): when it is asked for, and when a row is deleted directly.
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
CREATE OR REPLACE FUNCTION picture_inherit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM picture_pass_on(OLD); RETURN NULL; END $$;
