"""The ids a shop has, for reconciliation, with the money of orders; and what it says of them in a query or two."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from portal.connectors.answers import Cursor, IdPage, Listed
from portal.connectors.glance import Glance
from portal.connectors.shopify import queries, search
from portal.connectors.shopify.mapping_orders import proven
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.values import BadValue, Row, inside, number_of

_LISTS = {"orders": ("orders",), "products": ("products", "productVariants"), "customers": ("customers",)}
_ALL_ORDERS = "read_all_orders"
# A single query may cost a thousand points: eight for an order with its money, one for an id.
_FIRST = {"orders": 100}


class _Place(msgspec.Struct, omit_defaults=True):
    at: int = 0
    after: str | None = None


async def ids(reader: Reader, stream: str, cursor: Cursor | None) -> IdPage:
    """The next page of ids of `stream`, variants with their products, orders with what they came to.

    Without `read_all_orders` orders leave the list when they are 60 days old and are not gone: the listing is incomplete.
    """
    try:
        place = msgspec.convert(cursor or {}, _Place)
    except msgspec.ValidationError:
        place = _Place()
    lists = _LISTS[stream]
    what = lists[min(place.at, len(lists) - 1)]
    part = await reader.page(queries.ids(what), {"first": _FIRST.get(what, 250)}, {"after": place.after})
    found = [number for row in part.rows if (number := number_of(row.get("id")))]
    following = _Place(place.at, part.after) if part.after else _Place(place.at + 1)
    return IdPage(
        ids=found,
        listed=_listed(part.rows) if what == "orders" else {},
        next=msgspec.to_builtins(following),
        finished=following.at >= len(lists),
        complete=stream != "orders" or _ALL_ORDERS in await reader.scopes(),
    )


async def glance(reader: Reader, stream: str, since: datetime | None) -> Glance:
    """The shop's count of `stream`, and the orders changed after `since`, at most a hundred.

    Without `read_all_orders` the count is of the last 60 days, so it moves by itself and proves nothing: it is not asked for.
    """
    listed: dict[str, Listed] = {}
    requests, total = 0, None
    if stream == "orders" and since is not None:
        part = await reader.page(queries.LATELY, {"first": 100}, {"query": search.since(since)})
        listed, requests = _listed(part.rows), 1
    if stream != "orders" or _ALL_ORDERS in await reader.scopes():
        answer = await reader.client.query(queries.COUNTS[stream], attempts=2)
        found, requests = inside(answer.data, f"{stream}Count", "count"), requests + 1
        exact = inside(answer.data, f"{stream}Count", "precision") == "EXACT"
        total = found if isinstance(found, int) and exact else None
    return Glance(total=total, listed=listed, requests=requests)


def _listed(rows: Iterable[Row]) -> dict[str, Listed]:
    now, found = datetime.now(UTC), dict[str, Listed]()
    for row in rows:
        known = number_of(row.get("id"))
        try:
            said = proven(row, now)
        except BadValue:
            continue  # the mapping refuses such a row too: it is listed among what was not taken over
        if known:
            found[known] = said
    return found
