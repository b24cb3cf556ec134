"""One run of one connection: every stream of its manifest (or the chosen ones), in order, from its committed cursor to the end.

Kill the process at any point: what was committed stays, with the cursor that covers it; the job is given to another worker
when its heartbeat is missed, and reading goes on there. Rows read twice change nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import structlog

from portal.foundation.database import AWAY
from portal.foundation.errors import ConnectorError, Missing, Permanent, PortalError
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import SYNCED, StoreConnection
from portal.sync import lease, runs
from portal.sync.asked import Asked
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place, places, save_progress
from portal.sync.lease import LeaseLost
from portal.sync.progress import encode
from portal.sync.proof.reconcile import reconcile
from portal.sync.runs import Begun
from portal.sync.stream import Patience, Stopping
from portal.sync.streams import sync_streams
from portal.tenancy.scope import Scope, tenant

_log = structlog.get_logger("portal.sync")


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    FAILED = "failed"
    STOPPED = "stopped"  # paused by a person
    PUT_BACK = "put_back"  # the worker stops, or other credentials came; to be taken up again
    ASIDE = "aside"  # an ordinary run goes first; to be taken up again
    LOST = "lost"  # cancelled, taken over, or there was nothing to run


class Busy(Exception):
    """Another attempt holds the connection's lease for `left` more."""

    def __init__(self, left: timedelta) -> None:
        super().__init__(f"another run holds this connection for {left.total_seconds():.0f} s")
        self.left = left


@dataclass(frozen=True, slots=True)
class _Held:
    """A connection under this attempt's lease."""

    rt: Runtime
    connection: StoreConnection
    run_id: UUID
    owner: UUID
    asked: Asked | None


async def run(
    rt: Runtime,
    org_id: UUID,
    connection_id: int,
    run_id: UUID,
    *,
    stop: asyncio.Event | None = None,
    patience: Patience | None = None,
) -> Outcome:
    """Run it. Raises `Busy` while another attempt holds the lease, and the database's own errors when that is away."""
    owner = uuid4()
    begun = await _begin(rt, org_id, connection_id, run_id, owner)
    if begun is None:
        return Outcome.LOST
    connection, (trigger, asked), known = begun
    held = _Held(rt, connection, run_id, owner, asked)
    try:
        connector = await stores.open_connector(rt, org_id, connection_id)
    except PortalError as error:
        refused = Permanent(error.message, "Enter the store's credentials again.", code=error.code)
        return await _failed(held, refused)
    attempt = Attempt(
        rt=rt,
        org_id=org_id,
        connection=connection,
        connector=connector,
        run_id=run_id,
        owner=owner,
        stop=stop or asyncio.Event(),
        forced=trigger == "manual" or asked is not None,
        asked=asked,
    )
    keeper = asyncio.create_task(lease.keep(rt, org_id, connection_id, owner, attempt.tell))
    try:
        while True:
            await lease.held_by(keeper, _work(attempt, known, patience or Patience()))
            outcome = await _end(attempt)
            if outcome is not None:
                return outcome
            async with tenant(rt.database, org_id, read_only=True) as scope:
                known = await places(scope, connection_id)
    except LeaseLost:
        return await _superseded(held)
    except Stopping:
        return await _put_back(attempt)
    except ConnectorError as error:
        return await _failed(held, error, attempt)
    except AWAY:
        raise
    except Exception as error:
        _log.exception("sync_broke", connection_id=connection_id, run_id=str(run_id), error=type(error).__name__)
        broke = Permanent("The sync itself failed.", "It is tried again by itself; the portal's log has the reason.")
        return await _failed(held, broke, attempt)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _work(attempt: Attempt, known: dict[str, Place], patience: Patience) -> None:
    await sync_streams(attempt, known, patience)
    if not attempt.halted:
        await reconcile(attempt, known)


async def _begin(
    rt: Runtime, org_id: UUID, connection_id: int, run_id: UUID, owner: UUID
) -> tuple[StoreConnection, Begun, dict[str, Place]] | None:
    """Take the lease and the run in one transaction; None when there is nothing (left) to run."""
    async with tenant(rt.database, org_id) as scope:
        try:
            connection = await stores.load(scope, connection_id)
        except Missing:
            return None
        if await runs.must_step_aside(scope, connection_id, run_id):
            raise Busy(lease.LEASE)
        left = await lease.take(scope, connection_id, owner)
        if left is not None:
            raise Busy(left)
        begun = await runs.begin(scope, run_id)
        if begun is None:
            await lease.release(scope, connection_id, owner)
            return None
        return connection, begun, await places(scope, connection_id)


async def _end(attempt: Attempt) -> Outcome | None:
    """The streams returned: the run is complete, or halted by a pause or by the worker's stop. None: a person has asked for a
    sync meanwhile, and what this run passed over as not due is to be read as well."""
    if attempt.halted and attempt.stop.is_set():
        return await _put_back(attempt)
    if attempt.aside:
        return await _step_aside(attempt)
    connection = attempt.connection
    async with tenant(attempt.rt.database, attempt.org_id) as scope:
        status = await lease.renew(scope, connection.id, attempt.owner)
        if attempt.halted and status in SYNCED:  # resumed before the pause was over with this run
            return await _lay_down(scope, attempt)
        if not (attempt.halted or attempt.forced) and await runs.became_manual(scope, attempt.run_id):
            attempt.forced = True
            return None
        await _save_last_progress(scope, attempt)
        if attempt.halted:
            await runs.cancel(scope, connection.id)
        elif attempt.asked is not None:
            await runs.succeed_in_part(scope, attempt.run_id)
        else:
            await runs.succeed(scope, connection.id, attempt.run_id, connection.frequency)
        await lease.release(scope, connection.id, attempt.owner)
    outcome = Outcome.STOPPED if attempt.halted else Outcome.SUCCESS
    await attempt.tell(now=True)
    return outcome


async def _step_aside(attempt: Attempt) -> Outcome:
    async with tenant(attempt.rt.database, attempt.org_id) as scope:
        await lease.renew(scope, attempt.connection.id, attempt.owner)
        await _save_last_progress(scope, attempt)
        await runs.step_aside(scope, attempt.run_id)
        await lease.release(scope, attempt.connection.id, attempt.owner)
    await attempt.tell(now=True)
    return Outcome.ASIDE


async def _put_back(attempt: Attempt) -> Outcome:
    try:
        async with tenant(attempt.rt.database, attempt.org_id) as scope:
            await lease.renew(scope, attempt.connection.id, attempt.owner)
            return await _lay_down(scope, attempt)
    except LeaseLost:
        return await _superseded(attempt)


async def _lay_down(scope: Scope, attempt: Attempt) -> Outcome:
    """To be taken up again at once. The connection's row is locked already."""
    await attempt.log.save(scope, attempt.run_id, attempt.rt.clock())
    await runs.put_back(scope, attempt.run_id)
    await lease.release(scope, attempt.connection.id, attempt.owner)
    return Outcome.PUT_BACK


async def _superseded(held: _Held | Attempt) -> Outcome:
    """The lease is not this attempt's any more. A run that waits again, for its credentials were replaced, is taken up anew."""
    _log.info("sync_superseded", connection_id=held.connection.id, run_id=str(held.run_id))
    async with tenant(held.rt.database, held.connection.org_id, read_only=True) as scope:
        return Outcome.PUT_BACK if await runs.waits(scope, held.run_id) else Outcome.LOST


async def _failed(held: _Held, error: ConnectorError, attempt: Attempt | None = None) -> Outcome:
    connection = held.connection
    _log.warning(
        "sync_failed", connection_id=connection.id, run_id=str(held.run_id), code=error.code, reason=error.message
    )
    try:
        async with tenant(held.rt.database, connection.org_id) as scope:
            await lease.renew(scope, connection.id, held.owner)
            if attempt is not None:
                await _save_last_progress(scope, attempt)
            if held.asked is not None:
                await runs.fail_in_part(scope, held.run_id, error)
            else:
                await runs.fail(scope, connection.id, held.run_id, connection.frequency, error)
            await lease.release(scope, connection.id, held.owner)
    except LeaseLost:
        return await _superseded(held)
    if attempt is not None:
        await attempt.tell(now=True)
    return Outcome.FAILED


async def _save_last_progress(scope: Scope, attempt: Attempt) -> None:
    progress = encode(attempt.streams)
    await save_progress(scope, attempt.run_id, progress, fetched=0, changed=attempt.unsaved_changes, rejected=0)
    await attempt.log.save(scope, attempt.run_id, attempt.rt.clock())
