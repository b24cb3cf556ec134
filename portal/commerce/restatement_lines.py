"""Writing the restatement log: one line per day and store of one piece of work, whatever number of batches it takes.

A run's batches, and those of a new rate, are transactions of their own. Each would leave a line of its day, and a day that 40
pages touched would be told forty times. A line of the same `work` is therefore extended, as long as it is the newest of its
day: a webhook's line between two batches begins a new one, so that each line goes on where the one before it ended.
"""

from __future__ import annotations

_SUM = """(SELECT jsonb_object_agg(key, n) FROM (SELECT key, sum(value::bigint) AS n FROM (
      SELECT * FROM jsonb_each_text(r.reasons) UNION ALL SELECT * FROM jsonb_each_text(n.reasons)) e GROUP BY key) s)"""


def log_lines(source: str, *, work: str) -> str:
    """SQL that logs the lines which `source` selects for organization $1: connection_id, day, before_ and after_revenue,
    before_ and after_orders, reasons. `work` is the parameter that names what they are part of; '' is nothing."""
    return f"""
WITH line AS MATERIALIZED ({source}
), newest AS MATERIALIZED (
  SELECT n.*, l.id FROM line n CROSS JOIN organizations o CROSS JOIN LATERAL (
    SELECT x.id, x.work, x.currency FROM restatements x
    WHERE x.org_id = $1 AND x.day = n.day AND x.connection_id = n.connection_id ORDER BY x.id DESC LIMIT 1) l
  WHERE o.id = $1 AND {work}::text <> '' AND l.work = {work} AND l.currency = o.reporting_currency
), extended AS (
  UPDATE restatements r SET at = now(), after_revenue = n.after_revenue, after_orders = n.after_orders, reasons = {_SUM}
  FROM newest n WHERE r.id = n.id RETURNING r.connection_id, r.day
)
INSERT INTO restatements
  (org_id, connection_id, day, currency, before_revenue, after_revenue, before_orders, after_orders, reasons, work)
SELECT $1, n.connection_id, n.day, o.reporting_currency, n.before_revenue, n.after_revenue, n.before_orders, n.after_orders,
       n.reasons, {work}
FROM line n JOIN organizations o ON o.id = $1
WHERE NOT EXISTS (SELECT FROM extended e WHERE (e.connection_id, e.day) = (n.connection_id, n.day))
ORDER BY n.day, n.connection_id
"""  # noqa: S608 - built from constants
