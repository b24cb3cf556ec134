"""Webhook deliveries from their storing to the ledger: in the order of arrival, in batches, each one answered for.

A delivery ends as done, ignored (nothing in it for us) or failed. One that cannot be worked on takes only itself along: what
is wrong with the row itself fails at once, anything else is tried again a few times with growing pauses while the others go on.
Order of arrival is a courtesy, not a need: the ledger keeps the newer copy of a row whatever comes last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from portal.commerce.records import AnyRecord, Deleted, Order
from portal.connectors.answers import Delivery
from portal.connectors.contract import Webhooks
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.database import AWAY
from portal.foundation.errors import Conflict, Missing
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import StoreConnection
from portal.sync.checkpoint import save_rejects
from portal.sync.jobs import request_sync
from portal.sync.webhooks import subscriptions
from portal.sync.webhooks.stale import fetch_stale
from portal.sync.webhooks.wakeups import alone, claim, let_go, wake_later
from portal.sync.writing import UNWRITABLE, said, write
from portal.tenancy.scope import Scope, tenant

BATCH = 200
RETRIES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""Pauses before a delivery is tried again; after the last one it has failed, until somebody replays it."""
_MOST_NAMED = 50
_log = structlog.get_logger("portal.webhooks")
_NEXT = """
SELECT id, topic, headers, body, received_at, attempts, replays FROM webhook_deliveries
WHERE connection_id = $1 AND processed_at IS NULL AND coalesce(next_try_at <= now(), true) ORDER BY id LIMIT $2
"""
_END = """
UPDATE webhook_deliveries d SET processed_at = statement_timestamp(), state = n.state, error = nullif(n.error, ''),
  about = string_to_array(n.about, E'\\n'), next_try_at = NULL
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS n(id, state, error, about) WHERE d.id = n.id
"""


@dataclass(slots=True)
class _Work:
    """A stored delivery and what was understood of it."""

    row: Any
    delivery: Delivery
    error: str = ""

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def about(self) -> list[str]:
        """Which rows it tells of, as stream:id."""
        told = [
            f"{record.of if isinstance(record, Deleted) else record.stream}:{record.external_id}"
            for record in self.delivery.records
        ]
        told += [f"{stream}:{each}" for stream, ids in self.delivery.stale.items() for each in ids]
        return [each.replace("\n", " ")[:200] for each in dict.fromkeys(told)][:_MOST_NAMED]

    @property
    def end(self) -> tuple[str, str]:
        """(state, error) once it is written."""
        if self.error:
            return "failed", self.error
        if self.delivery.rejected:
            return "failed", f"Not taken over: {self.delivery.rejected[0].reason}"[:500]
        return ("done" if self.about or self.delivery.ask else "ignored"), ""


async def process(rt: Runtime, org_id: UUID, connection_id: int, job_id: int) -> int:
    """Work on what waits for this connection, oldest first; returns how many. Another job at it already: 0."""
    async with tenant(rt.database, org_id) as scope:
        try:
            connection = await stores.load(scope, connection_id)
        except Missing:
            return 0
        if not await claim(scope, connection_id, job_id):
            return 0
    module, count = webhooks_of(connection.platform), 0
    while True:
        async with tenant(rt.database, org_id) as scope:
            await alone(scope, connection_id)
            rows = await scope.sql.fetch(_NEXT, connection_id, BATCH) if module is not None else []
            if not rows or module is None:
                await _rest(scope, connection)
                await let_go(scope, job_id)
                return count
        await _write(rt, connection, [_understand(module, row) for row in rows])
        count += len(rows)


async def _rest(scope: Scope, connection: StoreConnection) -> None:
    """Come back for those whose pause is not over."""
    wait: timedelta | None = await scope.sql.fetchval(
        "SELECT min(next_try_at) - now() FROM webhook_deliveries WHERE connection_id = $1 AND processed_at IS NULL",
        connection.id,
    )
    if wait is not None:
        await wake_later(scope, connection.org_id, connection.id, wait)


async def _write(rt: Runtime, connection: StoreConnection, works: Sequence[_Work]) -> None:
    """One batch: rows and what became of the deliveries in one transaction; halved around what cannot be written."""
    fetched = await fetch_stale(rt, connection, [each.delivery for each in works])
    records: list[AnyRecord] = [*(record for each in works for record in each.delivery.records), *fetched.records]
    rejected = [*(row for each in works for row in each.delivery.rejected), *fetched.rejected]

    async def within(scope: Scope) -> None:
        await _end(scope, works)
        await _note_arrivals(scope, connection, works)
        await save_rejects(
            scope, connection.org_id, connection.id, [each for each in rejected if each.external_id], records
        )
        if fetched.ask:
            await _ask(scope, connection)
        else:
            await _ask_for_refunds(scope, connection, records)

    arrived = max(each.row["received_at"] for each in works)
    try:
        await write(rt, connection.org_id, connection.id, records, within=within, arrived_at=arrived)
    except (*AWAY, Missing):
        raise  # nothing is wrong with the deliveries: the whole job is tried again
    except Exception as error:
        if len(works) > 1:
            middle = len(works) // 2
            await _write(rt, connection, works[:middle])
            await _write(rt, connection, works[middle:])
        else:
            await _fail(rt, connection, works[0], error)


async def _fail(rt: Runtime, connection: StoreConnection, work: _Work, error: Exception) -> None:
    """It cannot be written. Tried again after a pause, unless the row itself is what is wrong or it was the last try."""
    attempts = int(work.row["attempts"]) + 1
    _log.error(
        "webhook_unwritable",
        connection_id=connection.id,
        delivery=work.id,
        attempt=attempts,
        error=type(error).__name__,
    )
    over = isinstance(error, UNWRITABLE) or attempts > len(RETRIES)
    why = f"It cannot be stored: {said(error)}."
    async with tenant(rt.database, connection.org_id) as scope:
        await scope.sql.execute(
            "UPDATE webhook_deliveries SET attempts = $2, error = $3, next_try_at = now() + $4::interval WHERE id = $1",
            work.id,
            attempts,
            why,
            timedelta(0) if over else RETRIES[attempts - 1],
        )
        if over:
            work.error = why
            await _end(scope, [work])


async def _end(scope: Scope, works: Sequence[_Work]) -> None:
    ends = [each.end for each in works]
    await scope.sql.execute(
        _END,
        [each.id for each in works],
        [state for state, _ in ends],
        [error.replace("\x00", "") for _, error in ends],
        ["\n".join(each.about).replace("\x00", "") for each in works],
    )


async def _note_arrivals(scope: Scope, connection: StoreConnection, works: Sequence[_Work]) -> None:
    """When the store, and each topic, delivered last. Here and not on arrival: a sync holds the connection's row for long."""
    latest = {each.row["topic"]: each.row["received_at"] for each in works if not each.row["replays"]}
    if latest:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET last_webhook_at = greatest(last_webhook_at, $2) WHERE id = $1",
            connection.id,
            max(latest.values()),
        )
        await subscriptions.delivered(scope, connection.org_id, connection.id, latest)


def _understand(module: Webhooks, row: Any) -> _Work:
    try:
        return _Work(row, module.parse(json.loads(row["headers"]), bytes(row["body"]), row["received_at"]))
    except Exception as error:
        _log.exception("webhook_not_understood", delivery=row["id"], error=type(error).__name__)
        return _Work(row, Delivery(topic=row["topic"]), f"It was not understood: {type(error).__name__}.")


async def _ask_for_refunds(scope: Scope, connection: StoreConnection, records: list[AnyRecord]) -> None:
    """An order's delivery may name refunds without their amounts: an incremental sync fetches those we do not hold."""
    named = sorted({refund for record in records if isinstance(record, Order) for refund in record.refund_ids or ()})
    if not named:
        return
    missing = await scope.sql.fetchval(
        """SELECT EXISTS (SELECT FROM unnest($2::text[]) AS named(id) WHERE NOT EXISTS (
             SELECT FROM refunds WHERE org_id = portal_org() AND connection_id = $1 AND external_id = named.id))""",
        connection.id,
        named,
    )
    if missing:
        await _ask(scope, connection)


async def _ask(scope: Scope, connection: StoreConnection) -> None:
    try:
        await request_sync(scope, org_id=connection.org_id, connection_id=connection.id, trigger="webhook")
    except Conflict:
        return  # paused: its next sync brings them
