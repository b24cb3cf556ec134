"""The stores beside each other: what each of them brought today."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

# Of a source that ends before today (a file) nothing is known of today; where no order could be converted, nothing of the sum.
_TODAY = """
SELECT date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, known_until, reconciled,
       CASE WHEN known AND knows_today THEN coalesce(sum(orders), 0)::bigint END AS orders,
       CASE WHEN known AND knows_today THEN coalesce(sum(unconverted_orders), 0)::bigint END AS unconverted_orders,
       CASE WHEN known AND knows_today AND NOT coalesce(sum(orders) > 0 AND sum(orders) = sum(unconverted_orders), false)
         AND NOT coalesce(sum(orders) = 0 AND bool_and(refunds_without_rate), false) THEN coalesce(sum(revenue), 0) END AS exact,
       coalesce(sum(unconverted_orders) > 0 OR bool_or(refunds_without_rate), false) AS partial,
       coalesce(array_agg(currency ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS currencies,
       coalesce(array_agg(round(revenue_own, 2) ORDER BY currency) FILTER (WHERE currency IS NOT NULL), '{}') AS amounts
FROM v_stores_today
GROUP BY date, reporting_currency, connection_id, name, platform, counts, holds, known, data_as_of, known_until, knows_today,
  reconciled
ORDER BY counts = 'today' DESC, exact DESC NULLS LAST, lower(name), connection_id
"""


async def stores_today(connection: Any) -> list[dict[str, Any]]:
    """Rows of `v_stores_today`, one per store, the best first; `share_pct` of what those that count today brought together.

    `holds`: whether it has any order. `revenue` is in the reporting currency, `exact` the same before it was rounded (add
    that one), `own` what it is made of: [(currency, amount)]. `known_until`: the last day of a file, None of a store that is
    read. Unknown is None; so is every share while something of the whole is unknown.
    """
    rows = [dict(row) for row in await connection.fetch(_TODAY)]
    counted = [row for row in rows if row["counts"] == "today" and row["known"]]
    whole = all(row["exact"] is not None and not row["partial"] for row in counted)
    total = sum((row["exact"] or 0 for row in counted), Decimal(0)) if whole else Decimal(0)
    for row in rows:
        row["own"] = list(zip(row.pop("currencies"), row.pop("amounts"), strict=True))
        row["revenue"] = None if row["exact"] is None else cents(row["exact"])
        counts = row["counts"] == "today" and row["exact"] is not None and total > 0
        row["share_pct"] = round(100 * row["exact"] / total, 1) if counts else None
    return rows


def cents(amount: Decimal) -> Decimal:
    """`amount` with two decimals, as PostgreSQL rounds."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
