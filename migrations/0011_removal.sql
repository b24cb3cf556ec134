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
