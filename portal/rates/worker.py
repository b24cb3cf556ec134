"""Recalculates, fetches, and follows: what a worker does for rates, in any number of workers at once.

A recalculation is a row that is leased. A killed worker's lease runs out, and the next one goes on from the place that was saved
(rates) or begins anew from nothing changed (reporting currency).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import structlog

from portal.commerce import rerating
from portal.commerce.rerating import Place
from portal.foundation.database import AWAY
from portal.foundation.runtime import Runtime
from portal.rates import drafts, giving, recalculations, reporting
from portal.rates.fetching import fetch_if_due
from portal.rates.recalculations import CLAIM, Recalculation, recalculation
from portal.tenancy.scope import platform, tenant

LEASE = timedelta(seconds=30)
_AGAIN = timedelta(minutes=1)
_TELL_EVERY = 0.5
_log = structlog.get_logger("portal.rates")

# Organizations that are behind what was published, or sell in a currency whose rates are not derived yet.
_BEHIND = """
SELECT s.org_id FROM rate_states s JOIN organizations o ON o.id = s.org_id
WHERE o.disabled_at IS NULL AND s.currencies <> '{}' AND s.applied < (SELECT version FROM rate_source)
UNION
SELECT f.org_id FROM (
  SELECT org_id, currency FROM daily_sales WHERE unconverted_orders > 0
  UNION SELECT c.org_id, c.store_currency::text FROM client_api_credentials c WHERE c.store_currency IS NOT NULL
) f JOIN organizations o ON o.id = f.org_id LEFT JOIN rate_states s ON s.org_id = f.org_id
WHERE o.disabled_at IS NULL AND f.currency <> o.reporting_currency AND f.currency <> ALL(coalesce(s.currencies, '{}'))
LIMIT 100
"""


class Gone(Exception):
    """The lease is somebody else's."""


async def work(rt: Runtime, *, stop: asyncio.Event) -> None:
    """Work until `stop`."""
    tasks = [
        asyncio.create_task(_every(1.0, lambda: step(rt)), name="rates-recalculations"),
        asyncio.create_task(_every(5.0, lambda: follow(rt)), name="rates-follow"),
        asyncio.create_task(_every(30.0, lambda: fetch_if_due(rt)), name="rates-fetch"),
        asyncio.create_task(_every(3600.0, lambda: drafts.tidy(rt)), name="rates-tidy"),
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def follow(rt: Runtime) -> int:
    """Bring organizations that are behind up to date; how many there were."""
    async with platform(rt.database, "rates: who is behind", read_only=True) as scope:
        behind: list[UUID] = [row[0] for row in await scope.sql.fetch(_BEHIND)]
    for org_id in behind:
        try:
            async with tenant(rt.database, org_id) as scope:
                shifts = await giving.follow(scope)
        except AWAY:
            raise
        except Exception as error:  # the other organizations' rates do not wait for this one's
            _log.exception("rates_not_followed", org_id=str(org_id), error=type(error).__name__)
            continue
        if shifts:
            await recalculations.tell(rt, org_id)
    return len(behind)


async def step(rt: Runtime) -> bool:
    """Do one waiting recalculation; False when there is none."""
    owner = uuid4()
    async with platform(rt.database, "claim a recalculation") as scope:
        row = await scope.sql.fetchrow(CLAIM, owner, LEASE)
    if row is None:
        return False
    hold = Hold(rt, recalculation(row), owner)
    beating = asyncio.create_task(hold.beat())
    try:
        await _do(rt, hold)
    except Gone:
        pass
    except asyncio.CancelledError:
        await asyncio.shield(hold.release())
        raise
    except AWAY as error:
        _log.warning("recalculation_interrupted", id=hold.job.id, error=type(error).__name__)
        await hold.release(timedelta(seconds=2))
    except Exception as error:
        _log.exception("recalculation_broke", id=hold.job.id, error=type(error).__name__)
        await hold.release(_AGAIN, "Something went wrong on our side. It is tried again every minute.")
    finally:
        beating.cancel()
    await recalculations.tell(rt, hold.job.org_id)
    return True


class Hold:
    """One attempt at one recalculation: its lease, and telling how far it is."""

    def __init__(self, rt: Runtime, job: Recalculation, owner: UUID) -> None:
        self.job, self._rt, self._owner, self._told = job, rt, owner, 0.0
        self._step, self._stepped = "", asyncio.Event()

    async def save(self, **columns: object) -> None:
        """Note how far it is. Raises `Gone`."""
        names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 4))
        async with tenant(self._rt.database, self.job.org_id) as scope:
            held = await scope.sql.fetchval(
                f"UPDATE reratings SET lease_until = clock_timestamp() + $3, {names}"  # noqa: S608 - names are ours
                " WHERE id = $1 AND lease_owner = $2 AND status = 'waiting' RETURNING true",
                self.job.id,
                self._owner,
                LEASE,
                *columns.values(),
            )
        if not held:
            raise Gone
        if time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            await recalculations.tell(self._rt, self.job.org_id)

    async def step(self, word: str) -> None:
        """Say what is done now, from within the transaction that does it: it is written by `beat`. A second connection that was
        waited for here would never come where all others are held by writers who wait for this very transaction."""
        self._step = word
        self._stepped.set()

    async def beat(self) -> None:
        """Renew the lease while a statement takes long, and write the step that was said."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stepped.wait(), LEASE.total_seconds() / 3)
            self._stepped.clear()
            with suppress(*AWAY):
                async with tenant(self._rt.database, self.job.org_id) as scope:
                    await scope.sql.execute(
                        """UPDATE reratings SET lease_until = clock_timestamp() + $3, step = coalesce(nullif($4, ''), step)
                           WHERE id = $1 AND lease_owner = $2 AND status = 'waiting'""",
                        self.job.id,
                        self._owner,
                        LEASE,
                        self._step,
                    )
                if self._step:
                    await recalculations.tell(self._rt, self.job.org_id)

    async def release(self, pause: timedelta = timedelta(0), error: str | None = None) -> None:
        """Give it back, to be gone on with after `pause`."""
        with suppress(*AWAY):
            async with tenant(self._rt.database, self.job.org_id) as scope:
                await scope.sql.execute(
                    """UPDATE reratings SET lease_owner = NULL, lease_until = NULL, not_before = clock_timestamp() + $3, error = $4,
                         step = '' WHERE id = $1 AND lease_owner = $2 AND status = 'waiting'""",
                    self.job.id,
                    self._owner,
                    pause,
                    error,
                )


async def _do(rt: Runtime, hold: Hold) -> None:
    job = hold.job
    if job.kind == "currency":
        await reporting.switch(rt, job, hold.step)
        return
    async with tenant(rt.database, job.org_id, read_only=True) as scope:
        what = await rerating.span(scope, job.currencies, job.from_day, job.until_day)
        total = job.rows_total if job.place else await rerating.count(scope, what)
    place, done, changed = job.place, job.rows_done, job.rows_changed
    if place is None:
        await rerating.barrier(rt, job.org_id)
        place = Place()
        await hold.save(place=_json(place), rows_total=total, error=None)
    while place is not None:
        async with tenant(rt.database, job.org_id, read_only=True) as scope:
            found = await rerating.look(scope, what, place)
        changed += await rerating.rewrite(rt, job.org_id, found, work=f"rates:{job.id}")
        place, done = found.place, done + found.walked
        if place is not None:
            await hold.save(place=_json(place), rows_done=done, rows_changed=changed)
    await hold.save(
        status="done",
        rows_done=done,
        rows_changed=changed,
        finished_at=rt.clock(),
        lease_owner=None,
        step="",
        error=None,
    )


def _json(place: Place) -> str:
    return msgspec.json.encode(place).decode()


async def _every(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    """Again at once while there is something to do."""
    while True:
        try:
            if await act() is True:
                continue
        except AWAY as error:
            _log.warning("rates_interrupted", error=type(error).__name__)
        except Exception as error:
            _log.exception("rates_broke", error=type(error).__name__)
        await asyncio.sleep(seconds)
