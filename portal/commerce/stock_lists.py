"""Stock: alerts, the heat map's cells, and the rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from portal.commerce.paging import containing, position, token

_RANK = "coalesce(array_position(ARRAY['critical', 'high', 'medium', 'low'], alert_severity), 5)"
_COVER = "CASE WHEN cover_bucket = 'out' THEN -1 ELSE coalesce(days_of_cover, 1000000000) END"
_ALERTS = """
SELECT connection_id, item, product_id, sku, product_name, alert_type, alert_severity, quantity_available, days_of_cover,
       reorder_point, units_sold_30d
FROM v_inventory_alerts WHERE ($1::text IS NULL OR alert_severity = $1)
ORDER BY coalesce(array_position(ARRAY['critical', 'high', 'medium', 'low'], alert_severity), 5),
         alert_type = 'out_of_stock' DESC, days_of_cover NULLS LAST, units_sold_30d DESC, sku, connection_id LIMIT $2
"""
_HEAT = f"""
SELECT connection_id, item, shown_sku AS sku, product_name, cover_bucket, alert_type, alert_severity, quantity_available,
       days_of_cover, units_sold_30d
FROM v_inventory_items WHERE cover_bucket <> 'untracked'
ORDER BY {_RANK}, {_COVER}, units_sold_30d DESC, item, connection_id LIMIT $1
"""  # noqa: S608 - built from constants
_PAGE = f"""
SELECT i.*, c.connection_name FROM (
  SELECT connection_id, item, product_id, shown_sku AS sku, product_name, image_url, stock_tracked, cover_bucket, alert_type,
         alert_severity, quantity_available, days_of_cover, reorder_point, low_stock_threshold, units_sold_30d, revenue_30d,
         {_RANK} AS rank, {_COVER} AS cover
  FROM v_inventory_items
) i LEFT JOIN client_api_credentials c ON c.id = i.connection_id
WHERE ($1::text = 'all' OR ($1 = 'alerts' AND alert_type IS NOT NULL) OR alert_type = $1)
  AND ($2::text IS NULL OR sku ILIKE $2 OR product_name ILIKE $2)
  AND ($3::int IS NULL OR (rank, cover, item, connection_id) > ($3, $4::bigint, $5::text, $6::bigint))
ORDER BY rank, cover, item, connection_id LIMIT $7
"""  # noqa: S608 - built from constants


# Two lists and no join of pairs: of a new tenant the planner expects one product, and would compare each with each pair.
_AT = """
SELECT s.connection_id, s.item, s.location_name, s.location_id, trim_scale(sum(s.quantity)) AS quantity
FROM v_stock_at s WHERE s.connection_id = ANY($1::bigint[]) AND s.item = ANY($2::text[])
GROUP BY s.connection_id, s.item, s.location_id, s.location_name ORDER BY s.location_name, s.location_id
"""


class _After(msgspec.Struct, array_like=True):
    rank: int
    cover: int
    item: str
    connection_id: int


async def inventory_alerts(connection: Any, severity: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Rows of `v_inventory_alerts`, most severe first; out of stock before low, then by days of cover."""
    return [_whole(row) for row in await connection.fetch(_ALERTS, severity, limit)]


async def inventory_summary(connection: Any) -> dict[str, Any]:
    """The row of `v_inventory_summary`: alerts by severity and type, `items`, `untracked_items`; None while no stock is known."""
    row = await connection.fetchrow("SELECT * FROM v_inventory_summary")
    return dict(row) if row else {"known": False}


async def inventory_heat(connection: Any, limit: int = 2000) -> list[dict[str, Any]]:
    """A cell per item that tracks its stock, most urgent first.

    `cover_bucket`: out, critical (under 5 days), low (under 14 or below the reorder point), covered (under 60), ample, over.
    """
    return [_whole(row) for row in await connection.fetch(_HEAT, limit)]


async def products_page(
    connection: Any, *, show: str = "alerts", search: str | None = None, after: str | None = None, limit: int = 50
) -> tuple[list[dict[str, Any]], str | None]:
    """Stock rows, most urgent first, and the token of the next page (None: the last).

    `show`: alerts, one alert type, or all; `search` is contained in SKU or name. Raises `BadRequest` for a token that is none.
    """
    last = position(after, _After) if after else None
    given = (last.rank, last.cover, last.item, last.connection_id) if last else (None, None, None, None)
    rows = [_whole(row) for row in await connection.fetch(_PAGE, show, containing(search), *given, limit + 1)]
    if len(rows) <= limit:
        return rows, None
    end = rows[limit - 1]
    return rows[:limit], token(_After(end["rank"], end["cover"], end["item"], end["connection_id"]))


async def stock_at(connection: Any, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """(connection_id, item) of these rows of `products_page` -> `location_name` and `quantity` of each place.

    Only of what lies at several places, and only where they add up to the quantity: of products that share a SKU, some may tell
    their places and others not.
    """
    sums = {(row["connection_id"], row["item"]): row["quantity_available"] for row in rows}
    found: dict[tuple[int, str], list[dict[str, Any]]] = {key: [] for key in sums}
    for row in await connection.fetch(_AT, list({store for store, _ in sums}), [item for _, item in sums]):
        if (key := (row["connection_id"], row["item"])) in found:  # else of another store, with the SKU of this one
            found[key].append(_whole(row))
    return {
        key: places
        for key, places in found.items()
        if len(places) > 1 and sum(place["quantity"] for place in places) == sums[key]
    }


def _whole(row: Any) -> dict[str, Any]:
    """Whole quantities as integers: stock is counted in pieces nearly everywhere, in fractions in a few shops."""
    found = dict(row)
    for name in ("quantity", "quantity_available", "units_sold_30d", "low_stock_threshold"):
        value = found.get(name)
        if isinstance(value, Decimal) and value == value.to_integral_value():
            found[name] = int(value)
    return found
