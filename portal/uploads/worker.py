"""Checks, takes over and undoes uploads. An upload in one of these states is the job: whoever works on it holds its lease.

A killed worker's lease runs out and the next one begins the step anew, from nothing changed (docs/adr/0010-uploads.md).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from portal.foundation.bus import Event
from portal.foundation.database import AWAY
from portal.foundation.errors import PortalError
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, platform, tenant
from portal.uploads import shelf
from portal.uploads.checking import check
from portal.uploads.entries import Write
from portal.uploads.left import Left
from portal.uploads.upload import Upload, load
from portal.uploads.writing import Gone, take_over, undo

LEASE = timedelta(seconds=30)
SMALL = 32 << 20
PLACES: tuple[int | None, ...] = (None, None, SMALL)
"""The files that one worker works on at once, and the largest that each place takes (bytes): however many large ones there are,
a small one is not kept waiting."""
BEGAN_ANEW = "It was interrupted, which changed nothing, and began again."
"""Told beside the progress of a step whose lease ran out (its worker was killed) or was given back in the middle."""
MOST_TIMEOUTS = 3
"""A statement that PostgreSQL answers too late this often, in one worker, will not be answered: the step ends failed."""
_timeouts: Counter[int] = Counter()
_ASK_EVERY = 1.0
_TELL_EVERY = 0.5
_KEEP_DRAFTS = timedelta(days=7)
_log = structlog.get_logger("portal.uploads")


async def work(rt: Runtime, *, stop: asyncio.Event) -> None:
    """Work until `stop`; what is under way is rolled back then and begun again by the next worker."""
    places = [
        asyncio.create_task(_place(rt, largest), name=f"uploads-{number}") for number, largest in enumerate(PLACES)
    ]
    places.append(asyncio.create_task(_tidy(rt), name="uploads-tidy"))
    await stop.wait()
    for place in places:
        place.cancel()
    await asyncio.gather(*places, return_exceptions=True)


async def step(rt: Runtime, largest: int | None = None) -> bool:
    """Do one waiting piece of work (of a file of at most `largest` bytes); False when there is none.

    Organizations that nobody works for come first; one whose data are being written is left alone until they are.
    """
    owner = uuid4()
    async with platform(rt.database, "claim an upload") as scope:
        row = await scope.sql.fetchrow(
            """UPDATE uploads SET lease_owner = $1, lease_until = clock_timestamp() + $2, rows_done = 0,
                 advice = CASE WHEN lease_until IS NULL THEN advice ELSE $4 END WHERE id = (
                 SELECT u.id FROM uploads u LEFT JOIN LATERAL (
                   SELECT true AS busy, bool_or(b.status IN ('writing', 'undoing')) AS writes FROM uploads b
                   WHERE b.org_id = u.org_id AND b.status IN ('checking', 'writing', 'undoing')
                     AND b.lease_until >= clock_timestamp() HAVING count(*) > 0) o ON true
                 WHERE u.status IN ('checking', 'writing', 'undoing') AND o.writes IS NOT TRUE
                   AND (u.lease_until IS NULL OR u.lease_until < clock_timestamp())
                   AND ($3::bigint IS NULL OR u.bytes <= $3)
                 ORDER BY o.busy NULLS FIRST, u.asked_at LIMIT 1 FOR UPDATE OF u SKIP LOCKED) RETURNING id, org_id""",
            owner,
            LEASE,
            largest,
            BEGAN_ANEW,
        )
    if row is None:
        return False
    async with tenant(rt.database, row["org_id"], read_only=True) as tx:
        upload = await load(tx, row["id"])
    hold = Hold(rt, upload, owner)
    beating = asyncio.create_task(hold.beat())
    try:
        await _do(rt, upload, hold)
    except asyncio.CancelledError:
        await asyncio.shield(hold.release())
        raise
    finally:
        beating.cancel()
    await hold.tell()
    return True


class Hold:
    """One attempt at one upload: its lease, and telling how far it is."""

    def __init__(self, rt: Runtime, upload: Upload, owner: UUID) -> None:
        self._rt, self._upload, self._owner = rt, upload, owner
        self._told = 0.0
        self._rows_done, self._moved, self._gone = 0, asyncio.Event(), False
        self._left = Left(upload.rows_total if upload.status != "checking" else None)

    async def expect(self, rows: int) -> None:
        """From here `rows` rows are gone through; raises `Gone`."""
        self._left = Left(rows)
        await self.save(0, lambda scope: self._expect(scope, rows))

    async def _expect(self, scope: Scope, rows: int) -> None:
        await scope.sql.execute("UPDATE uploads SET rows_total = $2 WHERE id = $1", self._upload.id, rows)

    async def save(self, rows_done: int, write: Write | None = None) -> None:
        """Commit `write` with the progress, in one transaction. Raises `Gone` when the lease is somebody else's."""
        async with tenant(self._rt.database, self._upload.org_id) as scope:
            held = await scope.sql.fetchval(
                """UPDATE uploads SET rows_done = $4, lease_until = clock_timestamp() + $5
                   WHERE id = $1 AND lease_owner = $2 AND status = $3 RETURNING true""",
                self._upload.id,
                self._owner,
                self._upload.status,
                rows_done,
                LEASE,
            )
            self._gone = not held
            if self._gone:
                raise Gone
            if write is not None:
                await write(scope)
        self._left.done(rows_done)
        if time.monotonic() - self._told > _TELL_EVERY:
            await self.tell()

    async def progress(self, rows_done: int) -> None:
        """Progress of a long transaction, said from within it and written by `beat`: a second connection waited for here would
        never come where all others are held by who waits for this transaction. Raises `Gone`."""
        if self._gone:
            raise Gone
        if time.monotonic() - self._told > _TELL_EVERY:
            self._rows_done = rows_done
            self._moved.set()

    async def tell(self) -> None:
        """Tell open pages."""
        self._told = time.monotonic()
        payload = {"upload_id": self._upload.id, "seconds_left": self._left.seconds()}
        await self._rt.bus.publish(Event(self._upload.org_id, "progress", 0, payload))

    async def beat(self) -> None:
        """Renew the lease while a step takes long, and write its progress."""
        while not self._gone:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), LEASE.total_seconds() / 3)
            with suppress(Gone, *AWAY):
                if self._moved.is_set():
                    self._moved.clear()
                    await self.save(self._rows_done)
                    continue
                async with tenant(self._rt.database, self._upload.org_id) as scope:
                    await scope.sql.execute(
                        "UPDATE uploads SET lease_until = clock_timestamp() + $3 WHERE id = $1 AND lease_owner = $2",
                        self._upload.id,
                        self._owner,
                        LEASE,
                    )

    async def release(self) -> None:
        """Give the lease back: the step begins again."""
        with suppress(*AWAY):
            async with tenant(self._rt.database, self._upload.org_id) as scope:
                await scope.sql.execute(
                    "UPDATE uploads SET lease_owner = NULL, lease_until = NULL, advice = $3 WHERE id = $1 AND lease_owner = $2",
                    self._upload.id,
                    self._owner,
                    BEGAN_ANEW,
                )

    async def fail(self, error: str, advice: str) -> None:
        """End the step: an undoing leaves the upload taken over, everything else ends failed."""
        async with tenant(self._rt.database, self._upload.org_id) as scope:
            await scope.sql.execute(
                """UPDATE uploads SET status = CASE status WHEN 'undoing' THEN 'done' ELSE 'failed' END, error = $3,
                     advice = $4, lease_owner = NULL, lease_until = NULL, asked_at = now() WHERE id = $1 AND lease_owner = $2""",
                self._upload.id,
                self._owner,
                error,
                advice,
            )


async def _do(rt: Runtime, upload: Upload, hold: Hold) -> None:
    try:
        if upload.status == "checking":
            await check(rt, upload, hold)
        elif upload.status == "writing":
            await take_over(rt, upload, hold.progress)
            shelf.drop(rt.settings, upload.org_id, upload.id)
        else:
            await undo(rt, upload, hold.progress)
        _timeouts.pop(upload.id, None)
    except Gone:
        return
    except AWAY as error:
        _log.warning("upload_interrupted", upload_id=upload.id, error=type(error).__name__)
        _timeouts[upload.id] += isinstance(error, TimeoutError)
        if _timeouts[upload.id] < MOST_TIMEOUTS:
            await hold.release()
        else:  # a step that is too slow each time would begin again for ever
            await hold.fail("The database took too long; nothing was changed.", "Try again later, or split the file.")
    except PortalError as error:
        await hold.fail(error.message, str(error.details.get("advice", "")))
    except Exception as error:
        _log.exception("upload_broke", upload_id=upload.id, error=type(error).__name__)
        await hold.fail(
            "Something went wrong on our side; nothing was changed.", "Try again, or upload the file again."
        )


async def _place(rt: Runtime, largest: int | None) -> None:
    while True:
        try:
            if await step(rt, largest):
                continue
        except AWAY as error:
            _log.warning("uploads_interrupted", error=type(error).__name__)
        except Exception as error:  # this place has other uploads to work on
            _log.exception("uploads_broke", error=type(error).__name__)
        await asyncio.sleep(_ASK_EVERY)


async def _tidy(rt: Runtime) -> None:
    while True:
        with suppress(*AWAY):
            await tidy(rt)
        await asyncio.sleep(3600)


async def tidy(rt: Runtime) -> None:
    """Forget what nobody went on with for a week, and the bodies of requests that died."""
    async with platform(rt.database, "forget old drafts of uploads") as scope:
        old = await scope.sql.fetch(
            """DELETE FROM uploads WHERE status IN ('draft', 'invalid', 'ready', 'failed') AND asked_at < now() - $1::interval
               RETURNING id, org_id""",
            _KEEP_DRAFTS,
        )
    for row in old:
        shelf.drop(rt.settings, row["org_id"], row["id"])
    await asyncio.to_thread(shelf.sweep, rt.settings)
