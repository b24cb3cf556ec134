"""The ids a store has, for reconciliation: a force-deleted row is simply absent, and nothing else ever says so."""

from __future__ import annotations

from collections.abc import Mapping

from portal.connectors.base import Cursor, IdPage
from portal.connectors.values import BadValue, identifier
from portal.connectors.woocommerce.changes import LISTS
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.scan import Position, read_part
from portal.foundation.errors import NotFound

_FIELDS = {"products": "id,variations"}
_WITH_TRASH = {"orders", "products"}


async def ids(client: Client, stream: str, cursor: Cursor | None) -> IdPage:
    """The next page of ids of `stream`, trashed rows and variations included."""
    given = cursor or {}
    via_orders = bool(given.get("via_orders"))
    lists = LISTS if stream in _WITH_TRASH or via_orders else ("",)
    at = str(given.get("at", lists[0]))
    filters = {"_fields": "id,refunds" if via_orders else _FIELDS.get(stream, "id")} | ({"status": at} if at else {})
    try:
        part = await read_part(client, "orders" if via_orders else stream, filters, Position.of(given.get("position")))
    except NotFound as missing:
        if stream != "refunds" or missing.code != "PLATFORM_NO_ROUTE" or via_orders:
            raise
        return await ids(client, stream, {"via_orders": 1})
    found = tuple(each for row in part.rows for each in _of(row, inner_only=via_orders))
    if not part.finished:
        position = part.position.cursor()
        return IdPage(ids=found, next={"at": at, "via_orders": int(via_orders), "position": position}, finished=False)
    place = lists.index(at) + 1 if at in lists else len(lists)
    if place < len(lists):
        return IdPage(ids=found, next={"at": lists[place], "via_orders": int(via_orders)}, finished=False)
    return IdPage(ids=found, next={}, finished=True)


def _of(row: object, *, inner_only: bool) -> list[str]:
    """The id of a row and those inside it: a product's variations, or (alone) an order's refunds."""
    if not isinstance(row, Mapping):
        return []
    inner = row.get("refunds") if inner_only else row.get("variations")
    values = [] if inner_only else [row.get("id")]
    values += [
        each.get("id") if isinstance(each, dict) else each for each in (inner if isinstance(inner, list) else [])
    ]
    return [known for value in values if (known := _known(value))]


def _known(value: object) -> str | None:
    try:
        return identifier(value)
    except BadValue:
        return None
