-- Proof of sync, what was restated, and how connections fare (docs/proof.md).

-- One comparison of one stream with the platform's own list, written in the transaction that ends it.
CREATE TABLE reconciliations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  stream text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  run_id uuid,
  state text NOT NULL CHECK (state IN ('even', 'healed', 'different', 'unknown')),
  reason text NOT NULL DEFAULT '',     -- why it is unknown, or why nothing was healed
  complete boolean NOT NULL DEFAULT true,  -- false: the platform hides older rows, so only what it lists was compared
  ours bigint, theirs bigint,          -- after healing; NULL: unknown
  -- As found; what is left is found minus healed.
  missing bigint NOT NULL DEFAULT 0, extra bigint NOT NULL DEFAULT 0, different bigint NOT NULL DEFAULT 0,
  healed_missing bigint NOT NULL DEFAULT 0, healed_extra bigint NOT NULL DEFAULT 0, healed_different bigint NOT NULL DEFAULT 0,
  -- At most 100 each: [{"id", "healed"[, "ours", "theirs", "why"]}]
  missing_ids jsonb NOT NULL DEFAULT '[]', extra_ids jsonb NOT NULL DEFAULT '[]', different_ids jsonb NOT NULL DEFAULT '[]',
  money_ours jsonb, money_theirs jsonb,  -- currency -> gross of all rows outside the trash; NULL: the platform does not say
  days jsonb                           -- the last 60 local days: [{"day", "currency", "ours", "theirs", "money_ours", "money_theirs"}]
);
CREATE INDEX reconciliations_latest ON reconciliations (org_id, connection_id, stream, id DESC);
CREATE INDEX reconciliations_newest ON reconciliations (org_id, id DESC);
SELECT portal_protect('reconciliations');

-- A day's total as it was stated and as it is now. A day is stated once a run of its store has ended after it.
CREATE TABLE restatements (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  day date NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  currency text NOT NULL,              -- the reporting currency then
  before_revenue numeric NOT NULL, after_revenue numeric NOT NULL,
  before_orders bigint NOT NULL, after_orders bigint NOT NULL,
  reasons jsonb NOT NULL               -- kind -> how many: late_orders, refunds, …
);
CREATE INDEX restatements_day ON restatements (org_id, day DESC, connection_id, id);
SELECT portal_protect('restatements');

-- The last connection tests.
CREATE TABLE connection_checks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT now(),
  ok boolean NOT NULL,
  status text NOT NULL,                -- the test's word: success, warning, auth_failed, …
  response_ms integer NOT NULL,
  clock_skew_s integer,                -- the store's clock minus ours; NULL: it did not tell
  expires_at timestamptz               -- of the credentials; NULL: they do not expire, or nobody says
);
CREATE INDEX connection_checks_connection ON connection_checks (org_id, connection_id, id DESC);
SELECT portal_protect('connection_checks');

-- What somebody should know of a connection, said once.
CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  connection_id bigint NOT NULL REFERENCES client_api_credentials ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL CHECK (kind IN ('failing', 'recovered', 'expiring')),
  title text NOT NULL,
  advice text NOT NULL DEFAULT ''
);
CREATE INDEX notices_connection ON notices (org_id, connection_id, id DESC);
CREATE INDEX notices_newest ON notices (at DESC);
SELECT portal_protect('notices');
