"""Bulk operations: Shopify walks a whole collection by itself and leaves a file. No points are taken for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from portal.connectors.shopify import queries
from portal.connectors.shopify.client import Client
from portal.connectors.shopify.failures import BY_ITSELF, of_user_errors
from portal.connectors.shopify.spool import Spool
from portal.connectors.shopify.values import Row, inside, rows, text
from portal.foundation.errors import NotFound, Permanent, RateLimited, Temporary

_BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
_UNDER_WAY = {"CREATED", "RUNNING"}
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `state` is Shopify's word; `url` is there when it is COMPLETED and found something."""

    id: str
    state: str
    created_at: datetime
    error: str = ""
    roots: int = 0
    url: str = ""

    @property
    def under_way(self) -> bool:
        return self.state in _UNDER_WAY


async def start(client: Client, query: str) -> Operation:
    """Start an operation, or find the one that is at this query already (a killed worker started it).

    Raises `RateLimited` while Shopify runs as many as it allows for the app.
    """
    listed = await client.query(queries.BULK_RUNNING)
    for row in rows(listed.data.get("bulkOperations")):
        if row.get("query") == query and text(row.get("status"), 40) in _UNDER_WAY:
            return _operation(row)
    payload = (await client.mutate(queries.BULK_RUN, {"query": query})).data.get("bulkOperationRunQuery")
    if {text(each.get("code"), 60) for each in rows(inside(payload, "userErrors"))} & _BUSY:
        raise RateLimited("Shopify is at another export for this app.", BY_ITSELF, 15.0)
    of_user_errors(payload, "start an export")
    return _operation(inside(payload, "bulkOperation"))


async def look(client: Client, operation_id: str) -> Operation | None:
    """How it stands; None when Shopify no longer knows it."""
    row = (await client.query(queries.BULK_STATE, {"id": operation_id})).data.get("bulkOperation")
    return None if row is None else _operation(row)


class Download:
    """The file of an operation, fetched beside the pages that wait for it; `spool` is ready when `done`."""

    def __init__(self, client: Client, operation: Operation) -> None:
        self.operation = operation
        self.spool = Spool()
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._fetch(client, operation.url))

    async def done(self, seconds: float) -> bool:
        """Wait at most so long. Raises what the download raised."""
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            return False
        await self._task
        return True

    def stop(self) -> None:
        """End it and give the disk back. May be called from any thread: a collector decides on its own when."""
        with suppress(RuntimeError):  # the loop is closed, and everything with it
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._task.add_done_callback(lambda _task: self.spool.close())
        self._task.cancel()

    async def _fetch(self, client: Client, url: str) -> None:
        # The address is signed and lives elsewhere: the shop's token is not sent along.
        async with client.outbound.stream("GET", url, timeout=60.0, max_bytes=64 << 30, platform="shopify") as reply:
            if reply.status in {403, 404, 410}:
                raise NotFound("Shopify's export is no longer there.", BY_ITSELF)
            if reply.status != 200:
                raise Temporary(f"Shopify's export answered with {reply.status}.", BY_ITSELF)
            await self.spool.load(reply.chunks())


class Desk:
    """What a connector object has in hand: one download at a time, and how long to wait before looking again."""

    def __init__(self) -> None:
        self._download: Download | None = None
        self._pauses: dict[str, float] = {}

    def __del__(self) -> None:
        self.drop()

    def drop(self) -> None:
        """Forget the download."""
        if self._download is not None:
            self._download.stop()
            self._download = None

    def held(self, operation_id: str) -> Download | None:
        """The download of this operation, if it was begun by this object."""
        found = self._download
        return found if found is not None and found.operation.id == operation_id else None

    def begin(self, make: Callable[[], Download]) -> Download:
        """Begin another download instead of the one in hand."""
        self.drop()
        self._download = make()
        return self._download

    async def pause(self, operation_id: str) -> None:
        """Wait before looking again: a tenth of a second at first (a small shop's export is ready at once), ten at most."""
        seconds = self._pauses.get(operation_id, _SHORTEST_PAUSE)
        self._pauses = {operation_id: min(_LONGEST_PAUSE, seconds * 1.5)}
        await asyncio.sleep(seconds)


def _operation(row: object) -> Operation:
    found = row if isinstance(row, dict) else {}
    known = text(found.get("id"), 200)
    if not known:
        raise Permanent("Shopify did not name the export it started.", "Try again; if it persists, report it.")
    return Operation(
        id=known,
        state=text(found.get("status"), 40),
        created_at=_moment(found),
        error=text(found.get("errorCode"), 60),
        roots=_whole(found.get("rootObjectCount")),
        url=text(found.get("url"), 8000),
    )


def _moment(row: Row) -> datetime:
    try:
        return datetime.fromisoformat(str(row.get("createdAt"))).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


def _whole(value: object) -> int:
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
