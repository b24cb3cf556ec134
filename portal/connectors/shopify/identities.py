"""The ids a shop has, for reconciliation."""

from __future__ import annotations

import msgspec

from portal.connectors.base import Cursor, IdPage
from portal.connectors.shopify import queries
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.values import number_of

_LISTS = {"orders": ("orders",), "products": ("products", "productVariants"), "customers": ("customers",)}


class _Place(msgspec.Struct, omit_defaults=True):
    at: int = 0
    after: str | None = None


async def ids(reader: Reader, stream: str, cursor: Cursor | None) -> IdPage:
    """The next page of ids of `stream`, variants with their products.

    Without `read_all_orders` orders leave the list when they are 60 days old and are not gone: the listing is incomplete.
    """
    try:
        place = msgspec.convert(cursor or {}, _Place)
    except msgspec.ValidationError:
        place = _Place()
    lists = _LISTS[stream]
    what = lists[min(place.at, len(lists) - 1)]
    part = await reader.page(queries.ids(what), {"first": 250}, {"after": place.after})
    found = [number for row in part.rows if (number := number_of(row.get("id")))]
    following = _Place(place.at, part.after) if part.after else _Place(place.at + 1)
    return IdPage(
        ids=found,
        next=msgspec.to_builtins(following),
        finished=following.at >= len(lists),
        complete=stream != "orders" or "read_all_orders" in await reader.scopes(),
    )
