"""A page of products with the variations of each variable one."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from portal.commerce.records import Deleted, Product
from portal.connectors.answers import Rejected
from portal.connectors.woocommerce import mapping
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.scan import Position, read_part
from portal.foundation.errors import NotFound

AT_ONCE = 4  # a small host answers four requests at once about twice as fast as one; more only queue
_Mapped = Product | Deleted | Rejected


async def with_variations(client: Client, rows: list[object], seen_at: datetime) -> list[_Mapped]:
    """The products of `rows`, each followed by its variations, which are fetched within the store's budget."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def family(row: object) -> list[_Mapped]:
        found = mapping.product(row, seen_at)
        if isinstance(found, Rejected) or found.kind != "variable":
            return [found]
        if found.status == "trashed":
            return [found, *_trashed(row, seen_at)]
        async with gate:
            return _together(found, *await _variations(client, row, found.external_id, seen_at))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(family(row)) for row in rows]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None  # one connector error says enough
    return [each for task in tasks for each in task.result()]


async def _variations(client: Client, parent: object, parent_id: str, seen_at: datetime) -> tuple[list[_Mapped], bool]:
    """(the variations that are listed, whether the product has none: it names none, and the list counts none)."""
    found: list[_Mapped] = []
    none = isinstance(parent, dict) and parent.get("variations") == []
    position, finished = Position(), False
    while not finished:
        try:
            part = await read_part(client, f"products/{parent_id}/variations", {}, position)
        except NotFound as gone:
            if gone.code != "PLATFORM_GONE":
                raise
            return found, False  # deleted since the page was read; reconciliation finds it
        found += [mapping.variation(row, parent, seen_at) for row in part.rows]
        position, finished = part.position, part.finished
        none = none and part.total == 0
    return found, none


def _together(parent: Product, listed: list[_Mapped], none: bool) -> list[_Mapped]:
    """A product that names its variations and those that are listed: only what is in neither was deleted.

    The product's own list comes from a cache of the shop, which may be older than its variations.
    """
    if none:
        return [msgspec.structs.replace(parent, variant_ids=())]
    if parent.variant_ids is not None:
        named = {*parent.variant_ids, *(each.external_id for each in listed)}
        parent = msgspec.structs.replace(parent, variant_ids=tuple(sorted(named)))
    return [parent, *listed]


def _trashed(row: object, seen_at: datetime) -> list[_Mapped]:
    """The variations of a trashed product go with it; the store no longer lists them."""
    known = row.get("variations") if isinstance(row, dict) else None
    ids = known if isinstance(known, list) else []
    return [mapping.deleted("products", {"id": each}, seen_at, trashed=True) for each in ids]
