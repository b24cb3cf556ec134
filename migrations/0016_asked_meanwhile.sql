-- A delivery that asked for a run while one was under way: what it was about may have been read already, so another one follows.
ALTER TABLE client_api_sync_results ADD COLUMN asked_meanwhile boolean NOT NULL DEFAULT false;
