"""The streams of a seller account: which operation each reads, and how it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from portal.connectors.amazon import finances, history, proven, stock
from portal.connectors.amazon import orders as changes
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.paging import Mapped, made
from portal.connectors.answers import Cursor, IdPage, Page


async def orders(client: Client, cursor: Cursor | None) -> Page:
    """History through reports, then changes through searches; after a long absence through reports again."""
    windows = history.of(cursor)
    if windows is None:
        since = changes.mark(cursor)
        if cursor and since is not None and (cursor.get("token") or client.latest() - since <= changes.TOO_LONG_AGO):
            return await changes.page(client, cursor, since)
        windows = history.of(history.begin(client, since))
    assert windows is not None  # noqa: S101 - for the type checker: it was just begun
    return await history.page(client, windows)


STREAMS: dict[str, Callable[[Client, Cursor | None], Awaitable[Page]]] = {
    "products": stock.page,
    "orders": orders,
    "refunds": finances.page,
}


def since(client: Client, stream: str, moment: datetime) -> Cursor | None:
    """A mark at `moment`: `orders` goes on from it by searches when it is young and by reports of changes when it is old, and
    transactions by their windows. Older than Amazon shows is as old as it shows, with a day's room for clocks and look-backs."""
    if stream == "products":
        return None
    oldest = client.latest() - history.BACK + timedelta(days=1)
    return {"since": max(moment, oldest).isoformat()}


async def ids(client: Client, stream: str, cursor: Cursor | None) -> IdPage:
    """The ids of the stock whole; orders and transactions of the last days and of some older ones, never of all."""
    if stream == "products":
        return await stock.ids(client, cursor)
    return await (proven.order_ids if stream == "orders" else proven.transaction_ids)(client, cursor)


async def named(client: Client, stream: str, wanted: Sequence[str]) -> Page:
    """The rows with these ids; transactions cannot be asked for by theirs."""
    found: list[Mapped] = []
    if stream == "products":
        found = await stock.named(client, wanted)
    elif stream == "orders":
        found = await changes.named(client, wanted)
    return made(found, len(found), {}, True)
