-- Commerce tables, rollups and views.
SELECT 1;
