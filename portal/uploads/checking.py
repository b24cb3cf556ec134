"""Checking a file: every row read and staged, every problem listed, then a dry run. The file's bytes are read in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from portal.connectors.files import reading
from portal.connectors.files.refusal import Refused
from portal.connectors.files.rows import Reader, Trouble
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope
from portal.uploads import entries, shelf
from portal.uploads.entries import Staged
from portal.uploads.upload import Outcome, Upload
from portal.uploads.writing import try_out

BATCH = 1_000
AHEAD = timedelta(days=1)
"""How far in the future a date may lie: time zones, and clocks that go fast."""


class Held(Protocol):
    """What the worker gives: a transaction that commits only while the upload is still held, and progress."""

    async def save(self, rows_done: int, write: entries.Write | None = None) -> None: ...

    async def expect(self, rows: int) -> None: ...

    async def progress(self, rows_done: int) -> None: ...


class Piece(msgspec.Struct):
    rows: int
    staged: list[Staged]
    troubles: list[Trouble]


async def check(rt: Runtime, upload: Upload, held: Held) -> None:
    """Ends with the upload `ready` (and what it would change) or `invalid` (and why)."""
    await held.save(0, lambda scope: _begin(scope, upload.id))
    path = shelf.place(rt.settings, upload.org_id, upload.id)
    pieces = read(path, upload, rt)
    rows = problems = 0
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            rows += piece.rows
            # Once a row is wrong nothing will be written: the rest is only read for its problems.
            staged = [] if problems else piece.staged
            first, problems = problems, problems + len(piece.troubles)

            async def write(
                scope: Scope, first: int = first, staged: list[Staged] = staged, piece: Piece = piece
            ) -> None:
                await entries.stage(scope, upload.id, upload.family, staged)
                await entries.report(scope, upload.id, first, piece.troubles)

            await held.save(rows, write)
        if not rows:
            raise Refused("There are no rows below the header.", "Export it again and look at it before the upload.")
    except Refused as refused:
        problems += 1
        trouble = Trouble(refused.line, "(file)", refused.reason, refused.advice)
        await held.save(rows, lambda scope: entries.report(scope, upload.id, problems - 1, [trouble]))
    except FileNotFoundError:
        problems += 1
        trouble = Trouble(None, "(file)", "The file is no longer here.", "Upload it again.")
        await held.save(rows, lambda scope: entries.report(scope, upload.id, problems - 1, [trouble]))
    found: Outcome | list[Trouble] = Outcome()
    if not problems:
        await held.expect(rows)
        found = await try_out(rt, upload, held.progress)
    if isinstance(found, list):
        listed = found
        await held.save(rows, lambda scope: entries.report(scope, upload.id, 0, listed))
        problems = len(found)
    await held.save(rows, lambda scope: _ended(scope, upload, rows, problems, found))


def read(path: Path, upload: Upload, rt: Runtime) -> Iterator[Piece]:
    """The file in pieces of `BATCH` rows. Raises `Refused`."""
    reader = Reader(upload.table, upload.names, upload.mapping, upload.layout, rt.clock() + AHEAD)
    names = reading.columns(path, upload.layout)
    if upload.layout.format == "csv" and names != upload.names:
        raise Refused("The columns are not those that were looked at.", "Upload the file again.")
    piece = Piece(0, [], [])
    for position, (line, cells) in enumerate(reading.rows(path, upload.layout, upload.names), 1):
        key, entry, troubles = reader.read(line, cells)
        piece.rows += 1
        if troubles:
            piece.troubles += troubles
        else:
            piece.staged.append((key, position, line, entry))
        if piece.rows >= BATCH:
            yield piece
            piece = Piece(0, [], [])
    if piece.rows:
        yield piece


async def _begin(scope: Scope, upload_id: int) -> None:
    await entries.clear(scope, upload_id)
    await scope.sql.execute("UPDATE uploads SET rows_total = NULL WHERE id = $1", upload_id)


async def _ended(scope: Scope, upload: Upload, rows: int, problems: int, found: Outcome | list[Trouble]) -> None:
    if problems:
        await scope.sql.execute("DELETE FROM upload_entries WHERE upload_id = $1", upload.id, timeout=600)
    made = None if problems or isinstance(found, list) else msgspec.json.encode(found).decode()
    await scope.sql.execute(
        """UPDATE uploads SET status = $2, rows_done = $3, rows_total = $3, problems = $4, outcome = $5, asked_at = now(),
             advice = NULL, lease_owner = NULL, lease_until = NULL WHERE id = $1""",
        upload.id,
        "invalid" if problems else "ready",
        rows,
        problems,
        made,
    )
