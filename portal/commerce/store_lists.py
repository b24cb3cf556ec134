"""The stores beside each other: what each of them brought today."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

_TODAY = """
SELECT date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, reconciled,
       CASE WHEN known THEN coalesce(sum(orders), 0)::bigint END AS orders,
       CASE WHEN known THEN coalesce(sum(unconverted_orders), 0)::bigint END AS unconverted_orders,
       -- Where no order could be converted, nothing is known of the sum.
       CASE WHEN known AND NOT coalesce(sum(orders) > 0 AND sum(orders) = sum(unconverted_orders), false)
         THEN round(coalesce(sum(revenue), 0), 2) END AS revenue,
       coalesce(array_agg(currency ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS currencies,
       coalesce(array_agg(round(revenue_own, 2) ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS amounts
FROM v_stores_today
GROUP BY date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, reconciled
ORDER BY counts = 'today' DESC, revenue DESC NULLS LAST, lower(name), connection_id
"""


async def stores_today(connection: Any) -> list[dict[str, Any]]:
    """Rows of `v_stores_today`, one per store, the best first; `share_pct` of what those that count today brought together.

    `holds`: whether it has any order. `revenue` is in the reporting currency,
    `own` what it is made of: [(currency, amount)]. Unknown is None.
    """
    rows = [dict(row) for row in await connection.fetch(_TODAY)]
    total = sum((row["revenue"] or 0 for row in rows if row["counts"] == "today"), Decimal(0))
    for row in rows:
        row["own"] = list(zip(row.pop("currencies"), row.pop("amounts"), strict=True))
        counts = row["counts"] == "today" and row["revenue"] is not None and total > 0
        row["share_pct"] = round(100 * row["revenue"] / total, 1) if counts else None
    return rows
