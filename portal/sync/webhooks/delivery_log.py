"""The deliveries of a store as its page shows them, and their replay: the same rows again, whatever comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from portal.commerce.paging import position, token
from portal.foundation.errors import Missing
from portal.stores.connection import StoreConnection
from portal.sync.webhooks.wakeups import begin_storing, wake
from portal.tenancy.scope import Scope

State = Literal["waiting", "done", "ignored", "failed"]
STATES: tuple[State, ...] = ("waiting", "done", "ignored", "failed")
PAGE = 50
_COLUMNS = """id, received_at, topic, state, duplicates, coalesce(error, '') AS error, processed_at, attempts, next_try_at,
  replays, replayed_at, about, octet_length(body) AS size"""


class LoggedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery without its body."""

    id: int
    received_at: datetime
    topic: str
    state: State
    duplicates: int
    error: str
    processed_at: datetime | None
    attempts: int
    next_try_at: datetime | None
    replays: int
    replayed_at: datetime | None
    about: list[str]
    size: int

    @property
    def took(self) -> timedelta | None:
        """From arriving (or being replayed) to being in the ledger; None while it waits."""
        if self.processed_at is None or self.state == "ignored":
            return None
        return max(self.processed_at - (self.replayed_at or self.received_at), timedelta(0))

    @property
    def replayable(self) -> bool:
        return self.state in {"done", "failed"}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What came: the headers that were kept, and the body."""

    headers: dict[str, str]
    body: bytes


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Of one store. `oldest` is how far back the list goes, None when it is empty."""

    waiting: int
    failed: int
    oldest: datetime | None
    newest: datetime | None


async def page(
    scope: Scope, connection_id: int, *, state: str = "", topic: str = "", after: str = ""
) -> tuple[list[LoggedDelivery], str]:
    """A page, newest first, and the token of the next one (empty at the end). Raises `BadRequest` for a token of nobody's."""
    conditions, arguments = ["org_id = portal_org()", "connection_id = $1"], list[Any]([connection_id])
    if state:
        arguments.append(state)
        # Written out for the partial index of the failed ones.
        conditions.append("state = 'failed'" if state == "failed" else f"state = ${len(arguments)}")
        if state == "failed":
            arguments.pop()
    if topic:
        arguments.append(topic)
        conditions.append(f"topic = ${len(arguments)}")
    if after:
        arguments += position(after, tuple[datetime, int])
        conditions.append(f"(received_at, id) < (${len(arguments) - 1}, ${len(arguments)})")
    rows = await scope.sql.fetch(
        f"""SELECT {_COLUMNS} FROM webhook_deliveries WHERE {" AND ".join(conditions)}
            ORDER BY received_at DESC, id DESC LIMIT {PAGE + 1}""",  # noqa: S608 - fixed fragments
        *arguments,
    )
    found = [LoggedDelivery(**dict(row)) for row in rows[:PAGE]]
    return found, token((found[-1].received_at, found[-1].id)) if len(rows) > PAGE else ""


async def totals(scope: Scope, connection_id: int) -> Totals:
    """How many wait and failed, and the span of time that is kept."""
    row = await scope.sql.fetchrow(
        """SELECT (SELECT count(*) FROM webhook_deliveries WHERE org_id = portal_org() AND connection_id = $1
                     AND processed_at IS NULL) AS waiting,
             (SELECT count(*) FROM webhook_deliveries WHERE org_id = portal_org() AND connection_id = $1
                AND state = 'failed') AS failed,
             (SELECT received_at FROM webhook_deliveries WHERE org_id = portal_org() AND connection_id = $1
                ORDER BY received_at, id LIMIT 1) AS oldest,
             (SELECT received_at FROM webhook_deliveries WHERE org_id = portal_org() AND connection_id = $1
                ORDER BY received_at DESC, id DESC LIMIT 1) AS newest""",
        connection_id,
    )
    return Totals(**dict(row))


async def one(scope: Scope, connection_id: int, delivery_id: int) -> tuple[LoggedDelivery, Content]:
    """One delivery with what came. Raises `Missing`."""
    row = await scope.sql.fetchrow(
        f"SELECT {_COLUMNS}, headers, body FROM webhook_deliveries WHERE connection_id = $1 AND id = $2",  # noqa: S608
        connection_id,
        delivery_id,
    )
    if row is None:
        raise Missing("There is no such delivery; old ones are forgotten.")
    known = {name: row[name] for name in LoggedDelivery.__struct_fields__}
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return LoggedDelivery(**known), Content(headers=headers, body=bytes(row["body"]))


async def replay(
    scope: Scope,
    connection: StoreConnection,
    *,
    ids: Sequence[int] | None = None,
    failed: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Let deliveries be worked on again, in the order they arrived; returns how many.

    Those of `ids`, or all that failed, or all that arrived from `since` to before `until`. What waits is left waiting, so asking
    twice is asking once; and a row that is newer in the ledger stays as it is.
    """
    await begin_storing(scope, [connection.id])
    done: str = await scope.sql.execute(
        """UPDATE webhook_deliveries SET state = 'waiting', processed_at = NULL, error = NULL, attempts = 0, next_try_at = NULL,
             replays = replays + 1, replayed_at = clock_timestamp()
           WHERE org_id = portal_org() AND connection_id = $1 AND state IN ('done', 'failed')
             AND CASE WHEN $2::bigint[] IS NOT NULL THEN id = ANY($2) WHEN $3 THEN state = 'failed'
               ELSE received_at >= $4 AND received_at < $5 END""",
        connection.id,
        None if ids is None else list(ids),
        failed,
        since,
        until,
    )
    count = int(done.rpartition(" ")[2])
    if count:
        await wake(scope, [(connection.org_id, connection.id)])
    return count
