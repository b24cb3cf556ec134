"""Orders as lists and one by one: the rows behind the revenue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from portal.commerce.details import Payment, Return, Shipment
from portal.commerce.paging import position, token
from portal.foundation.errors import BadRequest
from portal.tenancy.scope import naming_its_tenant

_COLUMNS = """r.connection_id, c.connection_name, c.platform_type, r.external_id, r.number, r.status, r.source_status, r.fulfilment,
  r.currency, r.total, r.total_tax, r.discount_total, r.shipping_total, r.fee_total, r.rate, r.total_reporting, r.units, r.counted,
  r.is_test, r.business_at, r.business_day, r.created_at, r.paid_at, r.completed_at, r.customer_id, r.customer_name,
  r.customer_email, r.country, r.payment_method,
  (SELECT coalesce(sum(b.amount), 0) FROM refunds b WHERE b.org_id = r.org_id AND b.connection_id = r.connection_id
     AND b.order_id = r.external_id AND b.deleted_at IS NULL AND NOT b.unlisted) AS refunded"""
# A value, not EXISTS: that may be planned as a join and sorted as a whole (seconds), this is tested row by row, newest first.
_IN_PICTURE = """coalesce((SELECT true FROM counts p WHERE p.connection_id = r.connection_id
    AND r.business_at >= p.begins AND r.business_at < p.ends), false)"""
_COUNTS = "counts AS MATERIALIZED (SELECT connection_id, begins, ends FROM v_picture WHERE org_id = {org} {store})"
_LIST = f"""
WITH {_COUNTS}, day AS (
  SELECT portal_midnight(d.day, o.timezone) AS first, portal_midnight(d.day + 1, o.timezone) AS beyond
  FROM organizations o
  CROSS JOIN LATERAL (SELECT coalesce($2::date, (portal_now() AT TIME ZONE o.timezone)::date) AS day) d
  WHERE o.id = {{org}}
)
SELECT {{columns}}
FROM {{orders}}
WHERE r.org_id = {{org}} AND r.deleted_at IS NULL AND {_IN_PICTURE} {{conditions}}
ORDER BY r.business_at DESC, r.connection_id DESC, r.external_id DESC LIMIT $1
"""  # noqa: S608 - built from constants
_ORG = "(SELECT portal_org())"
_NAMED = "orders r LEFT JOIN client_api_credentials c ON c.id = r.connection_id"
_ASKED = "SELECT portal_org(), commerce_asked(portal_org(), $1)::text"
_WORDS = "commerce_words(r.org_id, r.number, r.customer_name, r.customer_email) @@ {0}::text::tsquery"
_KEY = "r.org_id, r.connection_id, r.external_id, r.business_at, r.deleted_at, r.status"
# What many orders have is among the newest; for the rest the index is asked. The planner knows nothing of beginnings of words: left
# to choose, it would walk all orders by time for what none has. OFFSET 0: it must not put the two together again.
_NEWEST = f"""(SELECT {_KEY}, {_WORDS} AS has FROM orders r WHERE r.org_id = {{org}} AND r.deleted_at IS NULL {{after}}
  ORDER BY r.business_at DESC, r.connection_id DESC, r.external_id DESC LIMIT 1000) r"""  # noqa: S608
_INDEXED = f"(SELECT {_KEY}, true AS has FROM orders r WHERE r.org_id = {{org}} AND r.deleted_at IS NULL AND {_WORDS} OFFSET 0) r"  # noqa: S608
_FOUND = f"""
SELECT {_COLUMNS} FROM unnest($1::bigint[], $2::text[]) k(connection_id, external_id)
JOIN {_NAMED} ON r.connection_id = k.connection_id AND r.external_id = k.external_id
WHERE r.org_id = {_ORG} ORDER BY r.business_at DESC, r.connection_id DESC, r.external_id DESC
"""  # noqa: S608
_OF_DAY = "AND r.business_at >= (SELECT first FROM day) AND r.business_at < (SELECT beyond FROM day)"
_OF_STORE, _OF_STATUS = "AND r.connection_id = {0}", "AND r.status = {0}"
_AFTER = "AND (r.business_at, r.connection_id, r.external_id) < ({0}::timestamptz, {1}::bigint, {2}::text)"
_ONE = f"""
WITH {_COUNTS.format(org="(SELECT portal_org())", store="")}
SELECT {_COLUMNS}, {_IN_PICTURE} AS in_picture, r.note, r.prices_include_tax, r.meta,
  r.payments, r.shipments, r.returns, r.modified_at, r.arrived_at, r.deleted_at
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


_DETAILS = {"payments": Payment, "shipments": Shipment, "returns": Return}


class _After(msgspec.Struct, array_like=True):
    at: datetime
    connection_id: int
    external_id: str


class _Conditions:
    """Only the conditions that are asked for: each one more that is always true makes the planner expect fewer rows, until it
    sorts them all instead of reading the newest from the index."""

    def __init__(self, limit: int, day: date | None) -> None:
        self.values: list[Any] = [limit, day]
        self.after = self.store = ""
        self._texts: list[str] = []

    def add(self, text: str, *values: Any) -> str:
        """One more condition, with the places of its values."""
        self._texts.append(text.format(*(self.put(value) for value in values)))
        return self._texts[-1]

    def put(self, value: Any) -> str:
        """The place of one more value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def listing(self, org: str, columns: str, orders: str, more: str = "") -> str:
        """The statement: `columns` of `orders`, newest first, that meet the conditions."""
        texts = " ".join([more, *self._texts])
        return _LIST.format(org=org, store=self.store, columns=columns, orders=orders, conditions=texts)


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
    `day` is "today" or YYYY-MM-DD, local to the organization. Every word of `search` begins a word of the number, the customer's
    name or the e-mail address; one without a letter or digit finds nothing. Raises `BadRequest` for an impossible day or a
    token that is none.
    """
    last = position(after, _After) if after else None
    conditions = _Conditions(limit + 1, _date(day))
    if day is not None:
        conditions.add(_OF_DAY)
    if store is not None and status is not None:
        # Told of both, the planner expects so few rows that it sorts all of the store's.
        conditions.store = f"AND connection_id = {conditions.put(store)}"
    elif store is not None:
        conditions.add(_OF_STORE, store)
    if status is not None:
        conditions.add(_OF_STATUS, status)
    if last is not None:
        conditions.after = conditions.add(_AFTER, last.at, last.connection_id, last.external_id)
    if search and search.strip():
        rows = await _search(connection, search, conditions)
    else:
        rows = await connection.fetch(conditions.listing(_ORG, _COLUMNS, _NAMED), *conditions.values)
    found = [dict(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return found, None
    end = found[-1]
    return found, token(_After(end["business_at"], end["connection_id"], end["external_id"]))


async def _search(connection: Any, search: str, conditions: _Conditions) -> list[Any]:
    """The keys by the words' index, then the rows as everywhere: row-level security judges each of them again.

    What compares words could tell of rows that it was shown (it is not leakproof), so row-level security keeps it away from
    indexes: 500,000 rows would be read to find one. See docs/adr/0018-searching-orders.md.
    """
    org, asked = await connection.fetchrow(_ASKED, search)
    if asked is None:
        return []
    place, words = conditions.put(org), conditions.put(asked)
    keys: list[Any] = []
    async with naming_its_tenant(connection):
        for way in (_NEWEST, _INDEXED):
            orders = way.format(words, org=place, after=conditions.after)
            sql = conditions.listing(place, "r.connection_id, r.external_id", orders, "AND r.has")
            keys = await connection.fetch(sql, *conditions.values)
            if len(keys) == conditions.values[0]:
                break
    rows = await connection.fetch(_FOUND, [key["connection_id"] for key in keys], [key["external_id"] for key in keys])
    return list(rows)


async def order_detail(connection: Any, connection_id: int, external_id: str) -> dict[str, Any] | None:
    """One order with `lines` and `refunds` (lists of rows), `meta` (a dict), and `payments`, `shipments` and `returns` (the structs
    of `records`, None where the platform does not say); None when there is none. Deleted ones are shown, and those of a store
    in shadow: `in_picture` says whether its store counts on its day."""
    row = await connection.fetchrow(_ONE, connection_id, external_id)
    if row is None:
        return None
    lines = await connection.fetch(_LINES, connection_id, external_id)
    refunds = await connection.fetch(_REFUNDS, connection_id, external_id)
    meta = msgspec.json.decode(row["meta"], type=dict[str, str])
    details = {name: _details(row[name], kind) for name, kind in _DETAILS.items()}
    return {
        **row,
        **details,
        "meta": meta,
        "lines": [dict(line) for line in lines],
        "refunds": [dict(one) for one in refunds],
    }


def _details(stored: str | None, kind: Any) -> tuple[Any, ...] | None:
    return None if stored is None else msgspec.json.decode(stored, type=tuple[kind, ...])


def _date(day: str | None) -> date | None:
    if day is None or day == "today":
        return None
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise BadRequest(f"{day} is not a day; write it as 2026-03-31.", details={"field": "day"}) from error
