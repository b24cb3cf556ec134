"""The ids a store has, for reconciliation: a force-deleted row is simply absent, and nothing else ever says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from portal.connectors.answers import Cursor, IdPage, Listed
from portal.connectors.values import BadValue, identifier
from portal.connectors.woocommerce.changes import LISTS
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.listing import FIELDS, listed, within_order
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
    fields = "id,currency,refunds" if via_orders else FIELDS.get(stream) or _FIELDS.get(stream, "id")
    filters = {"_fields": fields} | ({"status": at} if at else {})
    try:
        part = await read_part(client, "orders" if via_orders else stream, filters, Position.of(given.get("position")))
    except NotFound as missing:
        if stream != "refunds" or missing.code != "PLATFORM_NO_ROUTE" or via_orders:
            raise
        return await ids(client, stream, {"via_orders": 1})
    found = tuple(each for row in part.rows for each in _of(row, inner_only=via_orders))
    said = _said_within(part.rows) if via_orders else _said(stream, part.rows, trashed=at == "trash")
    if not part.finished:
        following = {"at": at, "via_orders": int(via_orders), "position": part.position.cursor()}
        return IdPage(ids=found, listed=said, next=following, finished=False)
    place = lists.index(at) + 1 if at in lists else len(lists)
    if place < len(lists):
        return IdPage(ids=found, listed=said, next={"at": lists[place], "via_orders": int(via_orders)}, finished=False)
    return IdPage(ids=found, listed=said, next={}, finished=True)


def _said(stream: str, rows: list[object], *, trashed: bool) -> dict[str, Listed]:
    now = datetime.now(UTC)
    found = ((_of(row, inner_only=False), listed(stream, row, now, trashed=trashed)) for row in rows)
    return {each: said for ids_of_row, said in found if said is not None for each in ids_of_row}


def _said_within(rows: list[object]) -> dict[str, Listed]:
    """What orders say of the refunds they mention."""
    said: dict[str, Listed] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        inner = row.get("refunds")
        for each in inner if isinstance(inner, list) else []:
            if isinstance(each, Mapping) and (known := _known(each.get("id"))) and (told := within_order(row, each)):
                said[known] = told
    return said


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
