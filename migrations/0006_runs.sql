-- Runs of chosen streams, or from a day on (docs/sync.md).
ALTER TABLE client_api_sync_results
  ADD COLUMN request jsonb,          -- {streams, since, moment, tries, places}; NULL: everything, from the stream's own cursors
  ADD COLUMN again_at timestamptz;   -- such a run failed in passing trouble: when another one goes on with its places
CREATE INDEX client_api_sync_results_again ON client_api_sync_results (again_at) WHERE again_at IS NOT NULL;
