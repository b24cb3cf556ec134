-- Exchange rates: what somebody gave, what a configured source published, and what follows for the reporting currency
-- (docs/currencies.md, docs/adr/0012-exchange-rates.md).

ALTER TABLE organizations
  -- A rate holds from its day until the next one, at most so many days: older than that it is unknown.
  ADD COLUMN rates_hold_days integer NOT NULL DEFAULT 7 CHECK (rates_hold_days BETWEEN 1 AND 366),
  -- Whether the installation's configured source is used where nothing was given by hand.
  ADD COLUMN rates_fetched boolean NOT NULL DEFAULT true;

-- Rates as they were given, by form or by file. `of_base`: 1 base_currency = rate currency (as the ECB quotes); else
-- 1 currency = rate base_currency (as the form asks). They do not depend on the reporting currency, so it can change.
CREATE TABLE exchange_quotes (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  day date NOT NULL,
  base_currency text NOT NULL CHECK (base_currency ~ '^[A-Z]{3}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  rate numeric NOT NULL CHECK (rate > 0),
  of_base boolean NOT NULL,
  source text NOT NULL CHECK (source IN ('hand', 'file')),
  given_by text NOT NULL DEFAULT '',
  given_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, day, base_currency, currency)
);
CREATE INDEX exchange_quotes_currency ON exchange_quotes (org_id, currency, day);
-- Rates that were given before there were quotes are quotes given by hand: else the first change would take them away. (An owner
-- that is no superuser sees no tenant's rows while row-level security is forced on it.)
ALTER TABLE exchange_rates NO FORCE ROW LEVEL SECURITY;
ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY;
INSERT INTO exchange_quotes (org_id, day, base_currency, currency, rate, of_base, source)
SELECT x.org_id, x.day, o.reporting_currency, x.currency, x.rate, false, 'hand'
FROM exchange_rates x JOIN organizations o ON o.id = x.org_id WHERE x.currency <> o.reporting_currency;
ALTER TABLE exchange_rates FORCE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
SELECT portal_protect('exchange_quotes');

-- exchange_rates (0002) is what follows of quotes for the reporting currency; the ledger reads only this.
ALTER TABLE exchange_rates
  ADD COLUMN source text NOT NULL DEFAULT 'hand' CHECK (source IN ('hand', 'file', 'fetched')),
  ADD COLUMN via_currency text;        -- the base of a cross rate; NULL: given directly

-- Which currencies of an organization are derived, and up to which version of what was published.
CREATE TABLE rate_states (
  org_id uuid PRIMARY KEY REFERENCES organizations ON DELETE CASCADE,
  applied bigint NOT NULL DEFAULT 0,
  currencies text[] NOT NULL DEFAULT '{}'
);
SELECT portal_protect('rate_states');

-- The configured source, read once for the whole installation. No tenant's rows: everybody may read them.
CREATE TABLE published_rates (
  day date NOT NULL,
  base_currency text NOT NULL CHECK (base_currency ~ '^[A-Z]{3}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  rate numeric NOT NULL CHECK (rate > 0),
  of_base boolean NOT NULL,
  version bigint NOT NULL,             -- of rate_source, when it was stored or last corrected
  PRIMARY KEY (day, base_currency, currency)
);
CREATE INDEX published_rates_version ON published_rates (version);
CREATE TABLE rate_source (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  address text NOT NULL DEFAULT '',    -- the host that was asked last
  version bigint NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT now(),
  tried_at timestamptz, succeeded_at timestamptz,
  newest_day date,
  failures integer NOT NULL DEFAULT 0,
  error text, advice text              -- of the last attempt; NULL: it went well
);
INSERT INTO rate_source DEFAULT VALUES;
GRANT SELECT ON published_rates, rate_source TO portal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON published_rates, rate_source TO portal_platform;

-- Work for a worker: rows stored at another rate ('rates'), or the whole organization in another currency ('currency').
CREATE TABLE reratings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('rates', 'currency')),
  currencies text[] NOT NULL DEFAULT '{}',
  to_currency text,                    -- the new reporting currency
  from_day date, until_day date,       -- NULL: open; until_day itself is outside
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done')),
  -- How far it is: what is walked, after which row. Rows are judged anew, so a repeated step changes nothing.
  place jsonb,
  step text NOT NULL DEFAULT '',       -- of a new reporting currency, in words
  rows_done bigint NOT NULL DEFAULT 0, rows_total bigint, rows_changed bigint NOT NULL DEFAULT 0,
  error text,                          -- why the last attempt broke off; it is tried again
  asked_by text NOT NULL DEFAULT '',
  asked_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
  not_before timestamptz NOT NULL DEFAULT now(),
  lease_owner uuid, lease_until timestamptz
);
CREATE INDEX reratings_org ON reratings (org_id, id DESC);
CREATE INDEX reratings_waiting ON reratings (id) WHERE status = 'waiting';
SELECT portal_protect('reratings');

-- A file of rates that was read and not taken over yet.
CREATE TABLE rate_drafts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  filename text NOT NULL,
  layout text NOT NULL CHECK (layout IN ('plain', 'table', 'cubes')),
  quotes bytea NOT NULL,               -- deflated msgpack
  given_by text NOT NULL DEFAULT '',
  given_at timestamptz NOT NULL DEFAULT now()
);
SELECT portal_protect('rate_drafts');

-- What is not converted, by currency: found without reading a merchant's whole history.
CREATE INDEX daily_sales_unconverted ON daily_sales (org_id, currency, day) WHERE unconverted_orders > 0;
