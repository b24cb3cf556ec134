"""Webhook deliveries between their arrival and the ledger: stored once, processed in order.

No wake-up is lost and none is doubled: whoever stores a delivery holds the connection's row lock until its commit, and so
does a worker when it says "I work now" and "nothing is left". Between the two, the dedupe keys in `jobs.py` let one job wait
and one job work per connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from portal.commerce.records import AnyRecord, Order
from portal.connectors.base import Delivery, Rejected, Webhooks
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.errors import Conflict, Missing
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import StoreConnection
from portal.sync.checkpoint import save_rejects
from portal.sync.jobs import request_sync, request_webhooks, working_key
from portal.sync.stale import fetch_stale
from portal.sync.writing import UNWRITABLE, write
from portal.tenancy.scope import Scope, tenant

BATCH = 100
_log = structlog.get_logger("portal.sync")


async def store(
    scope: Scope,
    connection: StoreConnection,
    *,
    dedupe_key: str,
    topic: str,
    headers: Mapping[str, str],
    body: bytes,
    received_at: datetime,
) -> bool:
    """Keep a verified delivery and queue its processing, in one transaction. False: this one is here already."""
    await scope.sql.execute(
        "UPDATE client_api_credentials SET last_webhook_at = $2 WHERE id = $1", connection.id, received_at
    )
    inserted = await scope.sql.fetchval(
        """INSERT INTO webhook_deliveries (org_id, connection_id, dedupe_key, topic, headers, body, received_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (connection_id, dedupe_key) DO NOTHING RETURNING id""",
        connection.org_id,
        connection.id,
        dedupe_key[:300],
        topic[:100],
        json.dumps(dict(headers)),
        body,
        received_at,
    )
    if inserted is None:
        return False
    await request_webhooks(scope, org_id=connection.org_id, connection_id=connection.id)
    return True


async def process(rt: Runtime, org_id: UUID, connection_id: int, job_id: int) -> int:
    """Process what waits for this connection, oldest first; returns how many. Another job at it already: 0."""
    try:
        async with tenant(rt.database, org_id) as scope:
            try:
                connection = await stores.load(scope, connection_id)
            except Missing:
                return 0
            await _lock(scope, connection_id)
            await scope.sql.execute(
                "UPDATE pgqueuer SET dedupe_key = $2 WHERE id = $1", job_id, working_key(connection_id)
            )
    except asyncpg.UniqueViolationError:
        return 0  # the job at work reads once more before it ends, and will find what we came for
    module = webhooks_of(connection.platform)
    count = 0
    while module is not None:
        async with tenant(rt.database, org_id) as scope:
            await _lock(scope, connection_id)
            rows = await scope.sql.fetch(
                """SELECT id, topic, headers, body, received_at FROM webhook_deliveries
                   WHERE connection_id = $1 AND processed_at IS NULL ORDER BY id LIMIT $2""",
                connection_id,
                BATCH,
            )
            if not rows:
                await scope.sql.execute("UPDATE pgqueuer SET dedupe_key = NULL WHERE id = $1", job_id)
                return count
        await _write(rt, connection, module, rows)
        count += len(rows)
    return count


async def _write(rt: Runtime, connection: StoreConnection, module: Webhooks, rows: list[Any]) -> None:
    """One batch: understood, then rows and marks in one transaction. A row that cannot be stored takes only itself along."""
    understood = [_understand(module, row) for row in rows]
    fetched = await fetch_stale(rt, connection, understood)
    records: list[AnyRecord] = [*(record for each in understood for record in each.records), *fetched.records]
    rejected: list[Rejected] = [*(row for each in understood for row in each.rejected), *fetched.rejected]

    async def within(scope: Scope) -> None:
        await scope.sql.execute(
            "UPDATE webhook_deliveries SET processed_at = now() WHERE id = ANY($1)", [row["id"] for row in rows]
        )
        await save_rejects(
            scope, connection.org_id, connection.id, [each for each in rejected if each.external_id], records
        )
        if fetched.ask:
            await _ask(scope, connection)
        else:
            await _ask_for_refunds(scope, connection, records)

    arrived = max(row["received_at"] for row in rows)
    try:
        await write(rt, connection.org_id, connection.id, records, within=within, arrived_at=arrived)
    except UNWRITABLE as error:
        if len(rows) > 1:
            for row in rows:
                await _write(rt, connection, module, [row])
            return
        _log.error(
            "webhook_unwritable", connection_id=connection.id, delivery=rows[0]["id"], error=type(error).__name__
        )
        async with tenant(rt.database, connection.org_id) as scope:
            await scope.sql.execute(
                "UPDATE webhook_deliveries SET processed_at = now(), error = $2 WHERE id = $1",
                rows[0]["id"],
                f"The row cannot be stored: {type(error).__name__}.",
            )


def _understand(module: Webhooks, row: Any) -> Delivery:
    try:
        return module.parse(json.loads(row["headers"]), bytes(row["body"]), row["received_at"])
    except Exception as error:
        _log.exception("webhook_not_understood", delivery=row["id"], error=type(error).__name__)
        return Delivery(topic=row["topic"])


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


async def _lock(scope: Scope, connection_id: int) -> None:
    await scope.sql.execute("SELECT FROM client_api_credentials WHERE id = $1 FOR NO KEY UPDATE", connection_id)
