"""Orders as lists and one by one: the rows behind the revenue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from portal.commerce.paging import containing, position, token
from portal.foundation.errors import BadRequest

_COLUMNS = """r.connection_id, c.connection_name, c.platform_type, r.external_id, r.number, r.status, r.source_status, r.fulfilment,
  r.currency, r.total, r.total_tax, r.discount_total, r.shipping_total, r.fee_total, r.rate, r.total_reporting, r.units, r.counted,
  r.is_test, r.business_at, r.business_day, r.created_at, r.paid_at, r.completed_at, r.customer_id, r.customer_name,
  r.customer_email, r.country, r.payment_method,
  (SELECT coalesce(sum(b.amount), 0) FROM refunds b WHERE b.org_id = r.org_id AND b.connection_id = r.connection_id
     AND b.order_id = r.external_id AND b.deleted_at IS NULL AND NOT b.unlisted) AS refunded"""
# A value, not EXISTS: that may be planned as a join and sorted as a whole (seconds), this is tested row by row, newest first.
_IN_PICTURE = """coalesce((SELECT true FROM counts p WHERE p.connection_id = r.connection_id
    AND r.business_at >= p.begins AND r.business_at < p.ends), false)"""
_COUNTS = "counts AS MATERIALIZED (SELECT connection_id, begins, ends FROM v_picture)"
_PAGE = f"""
WITH {_COUNTS}, day AS (
  SELECT d.day::timestamp AT TIME ZONE o.timezone AS first, (d.day + 1)::timestamp AT TIME ZONE o.timezone AS beyond
  FROM organizations o
  CROSS JOIN LATERAL (SELECT coalesce($2::date, (portal_now() AT TIME ZONE o.timezone)::date) AS day) d
  WHERE o.id = (SELECT portal_org())
)
SELECT {_COLUMNS}
FROM orders r LEFT JOIN client_api_credentials c ON c.id = r.connection_id
WHERE r.org_id = (SELECT portal_org()) AND r.deleted_at IS NULL AND {_IN_PICTURE} %s
ORDER BY r.business_at DESC, r.connection_id DESC, r.external_id DESC LIMIT $1
"""  # noqa: S608 - built from constants
_OF_DAY = "AND r.business_at >= (SELECT first FROM day) AND r.business_at < (SELECT beyond FROM day)"
_FILTERS = {
    "store": "AND r.connection_id = {0}",
    "status": "AND r.status = {0}",
    "search": "AND (r.number ILIKE {0} OR r.customer_name ILIKE {0} OR r.customer_email ILIKE {0})",
}
_AFTER = "AND (r.business_at, r.connection_id, r.external_id) < ({0}::timestamptz, {1}::bigint, {2}::text)"
_ONE = f"""
WITH {_COUNTS}
SELECT {_COLUMNS}, {_IN_PICTURE} AS in_picture, r.note, r.prices_include_tax, r.meta, r.modified_at, r.arrived_at, r.deleted_at
FROM orders r JOIN client_api_credentials c ON c.id = r.connection_id  -- not of a store that is being removed
WHERE r.org_id = (SELECT portal_org()) AND r.connection_id = $1 AND r.external_id = $2
"""  # noqa: S608
_LINES = """
SELECT position, external_id, kind, product_id, variation_id, sku, name, quantity, unit_price, subtotal, total, total_tax
FROM order_lines WHERE org_id = (SELECT portal_org()) AND connection_id = $1 AND order_id = $2 ORDER BY position
"""
_REFUNDS = """
SELECT external_id, amount, currency, refunded_at, reason, counted, rate, amount_reporting
FROM refunds WHERE org_id = (SELECT portal_org()) AND connection_id = $1 AND order_id = $2
  AND deleted_at IS NULL AND NOT unlisted ORDER BY refunded_at, external_id
"""


class _After(msgspec.Struct, array_like=True):
    at: datetime
    connection_id: int
    external_id: str


async def orders_page(
    connection: Any,
    *,
    day: str | None = None,
    status: str | None = None,
    search: str | None = None,
    store: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> tuple[list[dict[str, Any]], str | None]:
    """Orders by their business time (paid, else created), newest first, and the token of the next page (None: the last).

    Of the connections that count, on the days they count for; with one `store` looked at (`scope.reading`), all of that one's.
    `day` is "today" or YYYY-MM-DD, local to the organization; `search` is contained in number, customer name or e-mail.
    Raises `BadRequest` for an impossible day or a token that is none.
    """
    last = position(after, _After) if after else None
    # Only the conditions that are asked for: each one more that is always true makes the planner expect fewer rows, until it
    # sorts them all instead of reading the newest from the index.
    values: list[Any] = [limit + 1, _date(day)]
    conditions = [_OF_DAY] if day is not None else []
    for name, given in (("store", store), ("status", status), ("search", containing(search))):
        if given is not None:
            values.append(given)
            conditions.append(_FILTERS[name].format(f"${len(values)}"))
    if last is not None:
        values += [last.at, last.connection_id, last.external_id]
        conditions.append(_AFTER.format(*(f"${len(values) - back}" for back in (2, 1, 0))))
    rows = await connection.fetch(_PAGE % " ".join(conditions), *values)
    found = [dict(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return found, None
    end = found[-1]
    return found, token(_After(end["business_at"], end["connection_id"], end["external_id"]))


async def order_detail(connection: Any, connection_id: int, external_id: str) -> dict[str, Any] | None:
    """One order with `lines` and `refunds` (lists of rows) and `meta` (a dict); None when there is none. Deleted ones are shown,
    and those of a store in shadow: `in_picture` says whether its store counts on its day."""
    row = await connection.fetchrow(_ONE, connection_id, external_id)
    if row is None:
        return None
    lines = await connection.fetch(_LINES, connection_id, external_id)
    refunds = await connection.fetch(_REFUNDS, connection_id, external_id)
    meta = msgspec.json.decode(row["meta"], type=dict[str, str])
    return {**row, "meta": meta, "lines": [dict(line) for line in lines], "refunds": [dict(one) for one in refunds]}


def _date(day: str | None) -> date | None:
    if day is None or day == "today":
        return None
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise BadRequest(f"{day} is not a day; write it as 2026-03-31.", details={"field": "day"}) from error
