"""The whole of a stream by a bulk operation: start it, wait for it, take its file in pages.

The cursor holds the operation's id and the last row written, so that another worker goes on where a killed one stopped: it
asks for the operation again (its address expires and is nobody's to keep), downloads the file and skips what is written.
An operation that fails twice is given up, and the list is read page by page instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from portal.connectors.answers import Page
from portal.connectors.shopify import bulk, queries, search
from portal.connectors.shopify.bulk import Desk, Download, Operation
from portal.connectors.shopify.cursors import History, State, moment_of
from portal.connectors.shopify.mapped import Mapped, page
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.values import Row, inside
from portal.foundation.errors import Forbidden, NotFound

ROOTS = 200
"""Rows in a page of a bulk result."""
_PATIENCE = 20.0  # seconds that one page waits for a download
_TRIES = 2
Finish = Callable[[list[Row]], Awaitable[list[Mapped]]]


async def history_page(
    reader: Reader, desk: Desk, stream: str, *, state: State, history: History, finish: Finish
) -> Page:
    """The next page of the history; `state`, which holds `history`, is moved on. `finish` completes and maps rows."""
    if not history.operation:
        return await _begin(reader, stream, state, history)
    held = desk.held(history.operation)
    if held is None:
        operation = await bulk.look(reader.client, history.operation)
        if operation is not None and operation.under_way:
            await desk.pause(history.operation)
            return page([], 0, state, caught_up=False, total=history.total)
        if operation is None or operation.state != "COMPLETED":
            return await _failed(reader, stream, state, history, operation)
        if not operation.url:  # nothing was found
            state.from_bulk(operation.created_at)
            return page([], 0, state, caught_up=False, total=history.total)
        found = operation
        held = desk.begin(lambda: Download(reader.client, found))
    return await _take(held, desk, state, history, finish)


async def count(reader: Reader, stream: str, filters: str = "") -> tuple[int | None, datetime]:
    """How many rows the shop has (that the filters find), and Shopify's clock."""
    answer = await reader.client.query(queries.COUNTS[stream], {"query": filters or None})
    found = inside(answer.data, f"{stream}Count", "count")
    return (found if isinstance(found, int) else None), answer.date or datetime.now(UTC)


async def _begin(reader: Reader, stream: str, state: State, history: History) -> Page:
    moment = moment_of(history.since)
    filters = search.since(moment) if moment else ""
    history.total, clock = await count(reader, stream, filters)
    if history.total == 0:  # said at once, so that a shop that is suddenly empty is noticed
        state.from_bulk(clock)
        return page([], 0, state, caught_up=True, total=0)
    operation = await bulk.start(reader.client, queries.bulk(stream, await reader.scopes(), filters))
    history.operation, history.after = operation.id, 0
    return page([], 0, state, caught_up=False, total=history.total)


async def _failed(reader: Reader, stream: str, state: State, history: History, operation: Operation | None) -> Page:
    if operation is not None and operation.error == "ACCESS_DENIED" and not await reader.hide(stream):
        raise Forbidden(
            f"The app may not export {stream}.",
            "Verify app permissions/scopes in the Shopify admin, and install the app again after changing them.",
        )
    history.operation, history.after = "", 0
    history.failures += 1
    if history.failures >= _TRIES:
        state.history, state.since = None, history.since  # page by page: everything, or what changed since
    return page([], 0, state, caught_up=False, total=history.total)


async def _take(held: Download, desk: Desk, state: State, history: History, finish: Finish) -> Page:
    try:
        if not await held.done(_PATIENCE):
            return page([], 0, state, caught_up=False, total=history.total)
    except NotFound:
        desk.drop()
        state.history = History(failures=history.failures, since=history.since)  # expired: a new operation
        return page([], 0, state, caught_up=False, total=history.total)
    except BaseException:
        desk.drop()  # downloaded again when the page is asked for again
        raise
    taken = await held.spool.take(history.after, ROOTS)
    records = await finish([row for _, row in taken])
    history.after = taken[-1][0] if taken else history.after
    total = held.spool.roots
    if len(taken) < ROOTS:
        desk.drop()
        state.from_bulk(held.operation.created_at)
    return page(records, len(taken), state, caught_up=False, total=total)
