-- Lines of one piece of work (a run, a recalculation) on one day are one line (portal/commerce/restatement_lines.py).
ALTER TABLE restatements ADD COLUMN work text NOT NULL DEFAULT '';  -- 'run:<id>', 'rates:<id>'; '': nothing that goes on
