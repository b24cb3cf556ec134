"""The lanes of a worker: each kind of job has its own room, so that none can keep another from moving.

A backfill of a million orders takes a place in the lane of backfills only; increments of all other clients pass beside it,
and webhooks pass beside both. A job that hangs holds one place of its own lane. Both lanes of runs have a crowd beside them, for
what one organization asks for beyond its share (`jobs.put_job`), so that nobody's fifty stores stand before another's one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from portal.foundation.database import AWAY
from portal.foundation.metrics import SYNC_RUNS
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import SYNCED
from portal.sync import engine
from portal.sync.checking import check_if_due, look_after_refusal
from portal.sync.engine import Busy, Outcome
from portal.sync.jobs import BACKFILL, BACKFILL_CROWD, SYNC, SYNC_CROWD, WEBHOOKS, SyncJob, WebhookJob
from portal.sync.webhooks.deliveries import process
from portal.sync.webhooks.registration import is_due, register_webhooks
from portal.tenancy.scope import tenant

_log = structlog.get_logger("portal.worker")
_AFTER_THE_OTHER = timedelta(seconds=5)
Handler = Callable[[Job], Awaitable[None]]


class JobDriver(AsyncpgPoolDriver):
    """pgqueuer on our pool. Without `listens` (PgBouncer in transaction mode cannot LISTEN) the lanes only poll."""

    def __init__(self, pool: Any, *, listens: bool) -> None:
        super().__init__(pool)
        self.listens = listens

    async def add_listener(self, channel: str, callback: Callable[[str | bytes | bytearray], None]) -> None:
        """LISTEN on a connection of its own, or not at all."""
        if self.listens:
            await super().add_listener(channel, callback)

    async def listen_ahead(self, channel: str) -> None:
        """LISTEN before the lanes run. They probe their listener while they are still adding it; on a connection that
        listens already adding is immediate, so the first probe cannot be lost (which would end the worker's jobs).
        """
        await self.add_listener(channel, lambda _payload: None)


def lanes(rt: Runtime, driver: JobDriver, stop: asyncio.Event) -> list[tuple[QueueManager, int]]:
    """The lanes with the number of jobs each may run at once in this worker."""
    room = rt.settings.sync_concurrency

    async def sync(job: Job) -> None:
        await _sync(rt, job, stop)

    async def webhooks(job: Job) -> None:
        wanted = msgspec.json.decode(job.payload or b"", type=WebhookJob)
        try:
            await process(rt, wanted.org_id, wanted.connection_id, job.id)
        except AWAY as error:
            raise RetryRequested(timedelta(seconds=2), type(error).__name__) from None
        except Exception as error:
            # Kept and tried again: a delivery is never given up for a reason that is ours.
            _log.exception("webhooks_broke", connection_id=wanted.connection_id, error=type(error).__name__)
            raise RetryRequested(timedelta(seconds=min(60, 5 * (job.attempts + 1))), type(error).__name__) from None

    plan: list[tuple[str, Handler, int]] = [
        (SYNC, sync, room),
        (SYNC_CROWD, sync, room // 2),
        (BACKFILL, sync, room // 2),
        (BACKFILL_CROWD, sync, room // 4),
        (WEBHOOKS, webhooks, 8),
    ]
    made = []
    for name, handler, places in plan:
        lane = QueueManager(Queries(driver))
        lane.entrypoint(name)(handler)
        lane.min_dequeue_poll_interval = timedelta(
            seconds=0.25
        )  # a full lane with waiting jobs asks four times a second
        made.append((lane, max(2, places)))  # the queue wants room for twice what it takes at once
    return made


async def _sync(rt: Runtime, job: Job, stop: asyncio.Event) -> None:
    wanted = msgspec.json.decode(job.payload or b"", type=SyncJob)
    try:
        await _look_after_webhooks(rt, wanted)
        await _check(rt, wanted)
        outcome = await engine.run(rt, wanted.org_id, wanted.connection_id, wanted.run_id, stop=stop)
    except Busy as busy:
        raise RetryRequested(min(busy.left, timedelta(seconds=5)), str(busy)) from None
    except AWAY as error:
        # PostgreSQL restarting: what is committed stands, the lease runs out by itself.
        raise RetryRequested(timedelta(seconds=5), type(error).__name__) from None
    SYNC_RUNS.labels(outcome.name.lower()).inc()
    if outcome is Outcome.FAILED:
        await _look_after_refusal(rt, wanted)
    if outcome is Outcome.PUT_BACK:
        raise RetryRequested(timedelta(0), "the worker is stopping, or the store has other credentials")
    if outcome is Outcome.ASIDE:
        raise RetryRequested(_AFTER_THE_OTHER, "an ordinary run of the store goes first")


async def _check(rt: Runtime, wanted: SyncJob) -> None:
    """The daily connection test. Never a reason not to sync."""
    try:
        await check_if_due(rt, wanted.org_id, wanted.connection_id)
    except AWAY:
        return
    except Exception as error:
        _log.warning("connection_check_broke", connection_id=wanted.connection_id, error=type(error).__name__)


async def _look_after_refusal(rt: Runtime, wanted: SyncJob) -> None:
    """What was said of the credentials and the webhooks is over when the credentials are refused. The run has ended already."""
    try:
        async with asyncio.timeout(60):
            await look_after_refusal(rt, wanted.org_id, wanted.connection_id, wanted.run_id)
    except AWAY:
        return
    except Exception as error:
        _log.warning("look_after_refusal_broke", connection_id=wanted.connection_id, error=type(error).__name__)


async def _look_after_webhooks(rt: Runtime, wanted: SyncJob) -> None:
    """Before a run, so that what changes during a long backfill is already pushed. Never a reason not to sync."""
    try:
        async with tenant(rt.database, wanted.org_id, read_only=True) as scope:
            connection = await stores.load(scope, wanted.connection_id)
        if connection.status in SYNCED and is_due(rt, connection, rt.clock()):
            async with asyncio.timeout(60):
                await register_webhooks(rt, wanted.org_id, wanted.connection_id)
    except AWAY:
        return
    except Exception as error:
        _log.warning("webhook_registration_broke", connection_id=wanted.connection_id, error=type(error).__name__)
