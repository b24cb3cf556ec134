-- Files as a source: uploads, what their rows say, what is wrong with them, how columns were mapped (docs/adr/0010-uploads.md).

-- False: nobody is asked for these rows, they come by hand. Such a connection is never due, never overdue, has no credentials.
ALTER TABLE client_api_credentials ADD COLUMN polled boolean NOT NULL DEFAULT true;

-- One file. It is also the job: whoever works on it (checking, writing, undoing) holds its lease.
CREATE TABLE uploads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('orders', 'products', 'customers', 'inventory')),
  -- Whose versions its rows are: an inventory file says something of products.
  family text NOT NULL GENERATED ALWAYS AS (CASE kind WHEN 'inventory' THEN 'products' ELSE kind END) STORED,
  filename text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  layout jsonb NOT NULL DEFAULT '{}',          -- how the file is read: format, encoding, delimiter, decimal mark, dates, currency
  columns jsonb NOT NULL DEFAULT '[]',         -- their names and some cells, for the preview
  mapping jsonb NOT NULL DEFAULT '{}',         -- field -> column
  status text NOT NULL DEFAULT 'draft'
    CHECK (status IN ('draft', 'checking', 'invalid', 'ready', 'writing', 'done', 'undoing', 'undone', 'failed')),
  rows_done bigint NOT NULL DEFAULT 0,
  rows_total bigint,                           -- NULL: not known yet
  problems bigint NOT NULL DEFAULT 0,
  outcome jsonb,                               -- what it would change (ready), what it changed (done)
  undone jsonb,                                -- what undoing it changed
  error text, advice text,
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_by_name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  asked_at timestamptz NOT NULL DEFAULT now(), -- since when its present status
  committed_at timestamptz,                    -- versions of one thing follow each other in this order
  lease_owner uuid, lease_until timestamptz
);
CREATE INDEX uploads_org ON uploads (org_id, id DESC);
CREATE INDEX uploads_waiting ON uploads (asked_at) WHERE status IN ('checking', 'writing', 'undoing');
SELECT portal_protect('uploads');

-- What each row of a file says of one thing: staged while it is checked, kept as a version afterwards. In force while its
-- upload is 'done' (or being written): the state of a thing follows from its versions in force, so an upload can be undone.
CREATE TABLE upload_entries (
  org_id uuid NOT NULL, upload_id bigint NOT NULL,
  key text COLLATE "C" NOT NULL,               -- the thing's external id
  position bigint NOT NULL,                    -- of the row in the file: one JSON or XML record may be several rows
  line bigint NOT NULL,
  family text NOT NULL,
  entry text NOT NULL,                         -- JSON: field -> value, normalised
  PRIMARY KEY (org_id, upload_id, key, position)
);
CREATE INDEX upload_entries_thing ON upload_entries (org_id, family, key);
SELECT portal_protect('upload_entries');

-- The validation report. The first ten thousand are kept, uploads.problems counts them all.
CREATE TABLE upload_problems (
  org_id uuid NOT NULL, upload_id bigint NOT NULL, position integer NOT NULL,
  line bigint,                                 -- NULL: the file as a whole
  field text NOT NULL, problem text NOT NULL, remedy text NOT NULL,
  PRIMARY KEY (org_id, upload_id, position)
);
SELECT portal_protect('upload_problems');

-- How the columns of a file with this header were mapped last.
CREATE TABLE upload_mappings (
  org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
  kind text NOT NULL, signature text NOT NULL,
  mapping jsonb NOT NULL, layout jsonb NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, kind, signature)
);
SELECT portal_protect('upload_mappings');

-- An upload that goes takes its rows with it. (No foreign keys on the hot rows, as in 0002.)
CREATE FUNCTION uploads_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM upload_entries WHERE org_id = OLD.org_id AND upload_id = OLD.id;
  DELETE FROM upload_problems WHERE org_id = OLD.org_id AND upload_id = OLD.id;
  RETURN OLD;
END $$;
CREATE TRIGGER forget_entries BEFORE DELETE ON uploads FOR EACH ROW EXECUTE FUNCTION uploads_forget();
