-- The ground floor: who is asking, what they may see, credentials, syncs, audit.
-- Roles portal_app and portal_platform exist already (foundation/migrate.py makes them before any migration).

GRANT USAGE ON SCHEMA public TO portal_app, portal_platform;

-- The tenant of this transaction; NULL when none is set, which matches no row.
CREATE FUNCTION portal_org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.org_id', true), '')::uuid $$;

-- The clock of views. Tests and replays may set app.now; otherwise the transaction's start.
CREATE FUNCTION portal_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('app.now', true), '')::timestamptz, now()) $$;

-- Row-level security, enabled and forced, the same on every tenant table. `org_column` is org_id everywhere but on organizations.
CREATE FUNCTION portal_protect(target regclass, org_column name DEFAULT 'org_id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY tenant ON %s TO portal_app USING (%I = (SELECT portal_org())) WITH CHECK (%I = (SELECT portal_org()))',
                 target, org_column, org_column);
  EXECUTE format('CREATE POLICY platform ON %s TO portal_platform USING (true) WITH CHECK (true)', target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO portal_app, portal_platform', target);
END $$;

-- Organizations ------------------------------------------------------------------------------------------------------
CREATE TABLE organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  reporting_currency char(3) NOT NULL DEFAULT 'USD',
  timezone text NOT NULL DEFAULT 'UTC',
  week_start smallint NOT NULL DEFAULT 1 CHECK (week_start BETWEEN 1 AND 7),  -- ISO: 1 Monday
  revenue_goal numeric(20,2) NOT NULL DEFAULT 10000000,
  lead_time_days integer NOT NULL DEFAULT 14 CHECK (lead_time_days BETWEEN 0 AND 365),
  safety_days integer NOT NULL DEFAULT 2 CHECK (safety_days BETWEEN 0 AND 365),
  overstock_days integer NOT NULL DEFAULT 180 CHECK (overstock_days BETWEEN 1 AND 3650),
  is_demo boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz
);
SELECT portal_protect('organizations', 'id');

-- How far each organization's data has moved. Every committed write moves `version`; cache keys carry it.
CREATE TABLE tenant_versions (
  org_id uuid PRIMARY KEY REFERENCES organizations ON DELETE CASCADE,
  version bigint NOT NULL DEFAULT 0,
  data_as_of timestamptz,              -- when the newest source data arrived; NULL: none yet
  changed_at timestamptz NOT NULL DEFAULT now()
);
SELECT portal_protect('tenant_versions');

-- Accounts (identities are global; what they may see is in memberships) ---------------------------------------------
CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  password_hash text,                  -- argon2id; NULL until an invitation is accepted
  is_superadmin boolean NOT NULL DEFAULT false,
  must_change_password boolean NOT NULL DEFAULT false,
  external_issuer text, external_subject text,
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz,
  UNIQUE (email), UNIQUE (external_issuer, external_subject)
);
CREATE TABLE memberships (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'member', 'operator', 'agent')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
SELECT portal_protect('memberships');

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  token_hash bytea NOT NULL UNIQUE,    -- sha256 of the secret in the cookie
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  active_org uuid REFERENCES organizations ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  user_agent text NOT NULL DEFAULT '', address text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  family uuid NOT NULL,                -- a reused token revokes its whole family
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  active_org uuid REFERENCES organizations ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE,
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz, revoked_at timestamptz
);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, refresh_tokens TO portal_app, portal_platform;

CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  prefix text NOT NULL,                -- pk_live_ and the first characters, to recognise it by
  key_hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL DEFAULT '{}',
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz
);
SELECT portal_protect('api_keys');

CREATE TABLE invitations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'member', 'operator', 'agent')),
  token_hash bytea NOT NULL UNIQUE,
  invited_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz
);
SELECT portal_protect('invitations');

-- Audit: append-only, hash-chained per organization, and one chain for the platform ---------------------------------
CREATE TABLE audit_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  chain text NOT NULL,                 -- the organization's id, or 'platform'
  seq bigint NOT NULL,
  org_id uuid REFERENCES organizations ON DELETE RESTRICT,
  at timestamptz NOT NULL,
  actor_id uuid, actor text NOT NULL, role text NOT NULL,
  action text NOT NULL, target text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '', request_id text NOT NULL DEFAULT '',
  before jsonb, after jsonb,           -- masked before they get here
  previous_hash bytea NOT NULL, hash bytea NOT NULL,
  UNIQUE (chain, seq)
);
CREATE INDEX audit_entries_org ON audit_entries (org_id, at DESC);
SELECT portal_protect('audit_entries');
REVOKE UPDATE, DELETE ON audit_entries FROM portal_app, portal_platform;
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit_entries is append-only'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Vault ---------------------------------------------------------------------------------------------------------------
CREATE TABLE org_data_keys (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  key_id integer NOT NULL,
  wrapped bytea NOT NULL,              -- the data key, encrypted under the installation's master key `master_id`
  master_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  PRIMARY KEY (org_id, key_id)
);
SELECT portal_protect('org_data_keys');

-- Stores: a client's connections (s1's table names) -------------------------------------------------------------------
CREATE TABLE client_api_credentials (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  platform_type text NOT NULL,
  connection_name text NOT NULL CHECK (length(connection_name) BETWEEN 1 AND 100),
  settings jsonb NOT NULL DEFAULT '{}',        -- the form's fields that are not secret
  secrets bytea NOT NULL,                      -- sealed JSON of the secret fields
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'error', 'disabled')),
  sync_frequency text NOT NULL DEFAULT 'hourly'
    CHECK (sync_frequency IN ('hourly', 'every_6_hours', 'daily', 'weekly')),
  store_name text, store_currency char(3), store_timezone text,
  public_token text NOT NULL UNIQUE DEFAULT replace(gen_random_uuid()::text, '-', ''),  -- in webhook URLs
  webhook_secret bytea,                        -- sealed
  webhook_topics text[] NOT NULL DEFAULT '{}',
  last_webhook_at timestamptz,
  last_test jsonb, last_test_at timestamptz,   -- the last connection test's findings
  last_success_at timestamptz, last_error text, last_error_advice text, last_error_at timestamptz,
  consecutive_failures integer NOT NULL DEFAULT 0,
  next_sync_at timestamptz NOT NULL DEFAULT now(),
  lease_owner uuid, lease_until timestamptz,   -- one run at a time; a run whose lease is gone may not commit
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, connection_name)
);
CREATE INDEX client_api_credentials_due ON client_api_credentials (next_sync_at) WHERE status IN ('active', 'error');
SELECT portal_protect('client_api_credentials');

CREATE TABLE client_api_sync_results (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  run_id uuid NOT NULL UNIQUE,
  trigger text NOT NULL DEFAULT 'schedule' CHECK (trigger IN ('first', 'schedule', 'manual', 'webhook', 'retry')),
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'success', 'failed', 'cancelled')),
  queued_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, finished_at timestamptz,
  rows_fetched bigint NOT NULL DEFAULT 0, rows_changed bigint NOT NULL DEFAULT 0, rows_rejected bigint NOT NULL DEFAULT 0,
  progress jsonb NOT NULL DEFAULT '{}',        -- stream -> {phase, done, total, rows_per_second, eta_seconds}
  error text, error_code text, advice text, attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX client_api_sync_results_connection ON client_api_sync_results (org_id, connection_id, id DESC);
SELECT portal_protect('client_api_sync_results');

CREATE TABLE sync_cursors (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  stream text NOT NULL,
  cursor jsonb,                                -- the connector's own; NULL: never started
  phase text NOT NULL DEFAULT 'backfill' CHECK (phase IN ('backfill', 'incremental')),
  done bigint NOT NULL DEFAULT 0, total bigint,
  completed_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, connection_id, stream)
);
SELECT portal_protect('sync_cursors');

CREATE TABLE sync_rejects (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  stream text NOT NULL, external_id text NOT NULL,
  reason text NOT NULL, first_seen_at timestamptz NOT NULL DEFAULT now(), last_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, connection_id, stream, external_id)
);
SELECT portal_protect('sync_rejects');

CREATE TABLE webhook_deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  dedupe_key text NOT NULL, topic text NOT NULL,
  headers jsonb NOT NULL, body bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz, error text,
  UNIQUE (connection_id, dedupe_key)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (org_id, connection_id, id) WHERE processed_at IS NULL;
SELECT portal_protect('webhook_deliveries');

-- What the agency may change of a platform (limits, enabled, help text). Not a tenant's.
CREATE TABLE api_platform_configs (
  platform_type text PRIMARY KEY,
  enabled boolean NOT NULL DEFAULT true,
  requests_per_second numeric(8,3), burst integer,   -- NULL: the connector's own
  help_text text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON api_platform_configs TO portal_app, portal_platform;
GRANT INSERT, UPDATE, DELETE ON api_platform_configs TO portal_platform;
