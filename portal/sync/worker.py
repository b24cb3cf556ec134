"""The worker: lanes of jobs, the schedule and housekeeping in one process; as many workers as one likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from pgqueuer.models import Schedule
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.sm import SchedulerManager

from portal.foundation.runtime import Runtime
from portal.sync.housekeeping import keep_house
from portal.sync.jobs import HOUSEKEEPING
from portal.sync.lanes import JobDriver, lanes
from portal.sync.removal import clearing
from portal.sync.schedule import EVERY_SECONDS, request_due

_log = structlog.get_logger("portal.worker")
HEARTBEAT = timedelta(seconds=30)
"""A job whose worker has said nothing for so long is given to another one."""


async def work(
    rt: Runtime, *, stop: asyncio.Event, heartbeat: timedelta = HEARTBEAT, schedule_every: float = EVERY_SECONDS
) -> None:
    """Work until `stop`: then each run finishes its current page, gives its lease back and is put back.

    Survives PostgreSQL going away: everything is started again, with growing pauses, when it is back.
    """
    _log.info("worker_ready", concurrency=rt.settings.sync_concurrency)
    schedule = asyncio.create_task(_every(rt, schedule_every, request_due, stop), name="sync-schedule")
    removals = asyncio.create_task(
        _every(rt, clearing.EVERY_SECONDS, lambda rt: clearing.clear(rt, stop), stop), name="sync-removals"
    )
    try:
        await _forever(lambda: _jobs(rt, stop, heartbeat), stop)
    finally:
        schedule.cancel()
        await asyncio.gather(schedule, removals, return_exceptions=True)  # a removal ends its part by itself
    _log.info("worker_stopped")


async def _jobs(rt: Runtime, stop: asyncio.Event, heartbeat: timedelta) -> None:
    """All lanes and the cron, until `stop` or until one of them breaks; then all end together."""
    driver = JobDriver(rt.database.pool(), listens=not rt.settings.database_pgbouncer)
    cron = SchedulerManager(Queries(driver))

    @cron.schedule(HOUSEKEEPING, "17 * * * *")
    async def housekeeping(_schedule: Schedule) -> None:
        await keep_house(rt)

    # Notifications wake the lanes; without them they ask every second.
    poll = timedelta(seconds=5.0 if driver.listens else 1.0)
    ready = lanes(rt, driver, stop)
    await driver.listen_ahead(ready[0][0].channel)
    # Only now: whatever failed above must leave no task behind.
    managers: list[QueueManager | SchedulerManager] = [cron]
    running: list[asyncio.Task[None]] = [asyncio.create_task(cron.run(), name="sync-cron")]
    for lane, room in ready:
        managers.append(lane)
        coming = lane.run(
            dequeue_timeout=poll,
            batch_size=1,
            max_concurrent_tasks=room,
            heartbeat_timeout=heartbeat,
            shutdown_on_listener_failure=driver.listens,
        )
        running.append(asyncio.create_task(coming, name=f"sync-lane-{next(iter(lane.entrypoint_registry))}"))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        for manager in managers:
            manager.shutdown.set()
        results = await asyncio.gather(*running, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _every(
    rt: Runtime, seconds: float, step: Callable[[Runtime], Awaitable[object]], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await step(rt)
        except Exception as error:
            _log.warning("schedule_failed", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


async def _forever(start: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    pause = 1.0
    while not stop.is_set():
        began = asyncio.get_running_loop().time()
        try:
            await start()
        except Exception as error:
            _log.warning("worker_interrupted", error=type(error).__name__, again_in=pause)
        if stop.is_set():
            return
        if asyncio.get_running_loop().time() - began > 60:
            pause = 1.0
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, 15.0)
