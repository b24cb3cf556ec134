"""The streams of a shop: the history by bulk operation, then what changed, by modification and position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from portal.connectors.answers import Cursor, Page
from portal.connectors.shopify import mapping, queries, search
from portal.connectors.shopify.bulk import Desk
from portal.connectors.shopify.cursors import State
from portal.connectors.shopify.details import complete_orders, complete_products, owners_of
from portal.connectors.shopify.failures import CursorRefused
from portal.connectors.shopify.history import history_page
from portal.connectors.shopify.mapped import Mapped, page
from portal.connectors.shopify.reader import Part, Reader
from portal.connectors.shopify.values import ITEM, Row, gid

STREAMS = ("products", "orders", "customers")
_KIND = {"products": "Product", "orders": "Order", "customers": "Customer"}
# An order with ten lines costs some 175 points, and a thousand are the most for one query.
SIZES = {"products": {"first": 100}, "orders": {"first": 5, "lines": 10}, "customers": {"first": 100}}
NAMED = {"products": 20, "orders": 5, "customers": 20}
_READ: dict[str, Callable[[object, datetime], Sequence[Mapped]]] = {
    "products": mapping.product,
    "orders": mapping.order,
    "customers": mapping.customer,
}


async def stream_page(reader: Reader, desk: Desk, stream: str, cursor: Cursor | None) -> Page:
    """The next page of `stream`; None, another shop's or an unreadable cursor starts the history."""
    state = State.of(cursor, reader.client.shop.domain)
    if state.history is not None:
        return await history_page(
            reader,
            desk,
            stream,
            state=state,
            history=state.history,
            finish=lambda found: _finished(reader, stream, found),
        )
    try:
        part = await _changes(reader, stream, state)
    except CursorRefused:
        if state.after is None:
            raise
        state.after = None
        part = await _changes(reader, stream, state)
    await _complete(reader, stream, part.rows)
    state.saw(part.rows)
    state.after = part.after
    if part.after is None:
        state.finish(part.answer.date or datetime.now(UTC))
    return page(_mapped(stream, part.rows), len(part.rows), state, caught_up=part.after is None)


async def named(reader: Reader, stream: str, ids: Sequence[str]) -> Page:
    """The rows with these numbers. A variant or an inventory item brings its whole product."""
    items = [each.removeprefix(ITEM) for each in ids if each.startswith(ITEM)]
    numbers = [each for each in ids if each.isascii() and each.isdigit()]
    items = [each for each in items if each.isascii() and each.isdigit()]
    wanted = [gid(_KIND[stream], each) for each in numbers]
    if stream == "products":
        wanted = list(dict.fromkeys([*wanted, *await owners_of(reader, numbers, items)]))
    sizes = {"lines": 10} if stream == "orders" else {}

    async def ask(scopes: frozenset[str]) -> list[Row]:
        return await reader.nodes(queries.named(stream, scopes), wanted, sizes, at_once=NAMED[stream])

    found = await reader.permitted(stream, ask) if wanted else []
    await _complete(reader, stream, found)
    return page(_mapped(stream, found), len(found), None, caught_up=True)


async def _changes(reader: Reader, stream: str, state: State) -> Part:
    since = state.since_moment()
    given = {"after": state.after, "query": search.since(since) if since else None}

    async def ask(scopes: frozenset[str]) -> Part:
        return await reader.page(queries.listing(stream, scopes), SIZES[stream], given)

    return await reader.permitted(stream, ask)


async def _complete(reader: Reader, stream: str, found: list[Row]) -> None:
    if stream == "orders":
        await complete_orders(reader, found)
    elif stream == "products":
        await complete_products(reader, found)


async def _finished(reader: Reader, stream: str, found: list[Row]) -> list[Mapped]:
    """Rows of an export: they have all their lines and variants, but not the lines of refunds."""
    if stream == "orders":
        await complete_orders(reader, found)
    return _mapped(stream, found)


def _mapped(stream: str, found: Sequence[Row]) -> list[Mapped]:
    seen_at = datetime.now(UTC)
    return [each for row in found for each in _READ[stream](row, seen_at)]
