"""Entries into the ledger: tried out, taken over, undone. Each is one transaction, whatever the size of the file.

Nothing is counted until it commits, and a worker that is killed has changed nothing. A dry run is the very same transaction,
rolled back at its end, so it cannot differ from what taking over does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from portal.commerce import ledger
from portal.commerce.ledger import Writing, Written
from portal.commerce.recalculating import recalculating
from portal.commerce.records import AnyRecord
from portal.connectors.files.assembling import disagreement, records
from portal.connectors.files.fields import ITEM_FIELDS
from portal.connectors.files.rows import Trouble
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant
from portal.uploads.connection import connection_of, note_success
from portal.uploads.entries import Thing, things
from portal.uploads.sums import figures, outcome
from portal.uploads.upload import Outcome, Upload

Progress = Callable[[int], Awaitable[None]]
"""Told how many rows are done. May raise to stop: everything is rolled back then."""


class Gone(Exception):
    """The upload is not in the state any more that this work belongs to: somebody else has done it."""


class _RolledBack(Exception):
    def __init__(self, found: Outcome | list[Trouble]) -> None:
        super().__init__()
        self.found = found


async def try_out(rt: Runtime, upload: Upload, progress: Progress) -> Outcome | list[Trouble]:
    """What taking over would change; or what keeps the rows of one thing from being one."""
    try:
        async with tenant(rt.database, upload.org_id) as scope:
            made, found, _ = await _write(rt, scope, upload, progress, new=True)
            raise _RolledBack(found or made)
    except _RolledBack as rolled_back:
        return rolled_back.found


async def take_over(rt: Runtime, upload: Upload, progress: Progress) -> Outcome:
    """Write the upload's entries and put them in force. Raises `Gone`."""
    async with tenant(rt.database, upload.org_id) as scope:
        await _alone(scope, upload)
        made, found, written = await _write(rt, scope, upload, progress, new=True)
        if found:
            raise Gone  # checked before; the entries cannot have changed since
        await _end(scope, upload, "status = 'done', outcome = $3, committed_at = clock_timestamp()", made)
    await ledger.publish(rt, upload.org_id, written)
    return made


async def undo(rt: Runtime, upload: Upload, progress: Progress) -> Outcome:
    """Put the upload out of force: its things are what the versions left say, or gone. Raises `Gone`."""
    async with tenant(rt.database, upload.org_id) as scope:
        await _alone(scope, upload)
        made, _, written = await _write(rt, scope, upload, progress, new=False)
        await _end(scope, upload, "status = 'undone', undone = $3", made)
    await ledger.publish(rt, upload.org_id, written)
    return made


async def _write(
    rt: Runtime, scope: Scope, upload: Upload, progress: Progress, *, new: bool
) -> tuple[Outcome, list[Trouble], Written]:
    """Everything of the transaction but the upload's own row."""
    connection_id, now = await connection_of(rt, scope), rt.clock()
    writing = await Writing.begin(scope, upload.org_id, connection_id, arrived_at=now)
    before = await figures(scope, connection_id, upload.family)
    items = bool(ITEM_FIELDS & upload.mapping.keys())
    troubles: list[Trouble] = []
    count = rows = 0
    why = "uploaded_files" if new else "undone_uploads"
    async with recalculating(scope, why, connection_id=connection_id, first_told=new):
        async for page in things(scope, upload.id, upload.family, writing=new):
            batch: list[AnyRecord] = []
            for thing in page:
                if new and (trouble := _trouble(upload, thing, items=items)):
                    troubles.append(trouble)
                elif not troubles:
                    batch += records(upload.family, thing.key, thing.versions, now, currency=upload.layout.currency)
            if batch and not troubles:
                await writing.put(batch)
            count += len(page)
            rows += sum(thing.rows for thing in page)
            await progress(rows)
    if troubles:
        return Outcome(), troubles, Written()
    made = outcome(count, writing.changed[upload.family], before, await figures(scope, connection_id, upload.family))

    async def within(_: Scope) -> None:
        await note_success(scope, connection_id, now)

    return made, [], await writing.finish(within)


def _trouble(upload: Upload, thing: Thing, *, items: bool) -> Trouble | None:
    kind, entries = thing.versions[-1]
    found = disagreement(upload.family, kind, entries, items=items)
    if found is None:
        return None
    place, problem, remedy = found
    key = upload.table.key
    column = upload.mapping.get(key) or upload.mapping.get("email") or upload.table.field(key).label
    return Trouble(thing.lines[place], column, f"“{thing.key[:60]}” {problem}", remedy)


async def _alone(scope: Scope, upload: Upload) -> None:
    """One transaction at a time ends an upload. (Its row stays free, for progress.)"""
    await scope.sql.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('upload:' || $1::bigint::text, 0))", upload.id
    )
    if await scope.sql.fetchval("SELECT status FROM uploads WHERE id = $1", upload.id) != upload.status:
        raise Gone


async def _end(scope: Scope, upload: Upload, assignments: str, made: Outcome) -> None:
    ended = await scope.sql.fetchval(
        f"""UPDATE uploads SET {assignments}, error = NULL, advice = NULL, lease_owner = NULL, lease_until = NULL,
            asked_at = now() WHERE id = $1 AND status = $2 RETURNING true""",  # noqa: S608 - constants
        upload.id,
        upload.status,
        msgspec.json.encode(made).decode(),
    )
    if not ended:
        raise Gone
