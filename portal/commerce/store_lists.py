"""The stores beside each other: what each of them brought today."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_TODAY = """
SELECT date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, reconciled,
       CASE WHEN known THEN coalesce(sum(orders), 0)::bigint END AS orders,
       CASE WHEN known THEN coalesce(sum(unconverted_orders), 0)::bigint END AS unconverted_orders,
       -- Where no order could be converted, nothing is known of the sum.
       CASE WHEN known AND NOT coalesce(sum(orders) > 0 AND sum(orders) = sum(unconverted_orders), false)
         THEN coalesce(sum(revenue), 0) END AS exact,
       coalesce(array_agg(currency ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS currencies,
       coalesce(array_agg(round(revenue_own, 2) ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS amounts
FROM v_stores_today
GROUP BY date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, reconciled
ORDER BY counts = 'today' DESC, exact DESC NULLS LAST, lower(name), connection_id
"""


async def stores_today(connection: Any) -> list[dict[str, Any]]:
    """Rows of `v_stores_today`, one per store, the best first; `share_pct` of what those that count today brought together.

    `holds`: whether it has any order. `revenue` is in the reporting currency, `exact` the same before it was rounded (add
    that one), `own` what it is made of: [(currency, amount)]. Unknown is None.
    """
    rows = [dict(row) for row in await connection.fetch(_TODAY)]
    total = sum((row["exact"] or 0 for row in rows if row["counts"] == "today"), Decimal(0))
    for row in rows:
        row["own"] = list(zip(row.pop("currencies"), row.pop("amounts"), strict=True))
        row["revenue"] = None if row["exact"] is None else cents(row["exact"])
        counts = row["counts"] == "today" and row["exact"] is not None and total > 0
        row["share_pct"] = round(100 * row["exact"] / total, 1) if counts else None
    return rows


def cents(amount: Decimal) -> Decimal:
    """`amount` with two decimals, as PostgreSQL rounds."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
