"""An upload as pages and the worker see it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from portal.connectors.files.fields import TABLES, Table
from portal.connectors.files.layout import Layout
from portal.foundation.errors import Missing
from portal.tenancy.scope import Scope

AT_WORK = frozenset({"checking", "writing", "undoing"})
"""States in which a worker has something to do."""
WORDS = {
    "draft": ("info", "Columns to choose"),
    "checking": ("info", "Checking"),
    "invalid": ("bad", "Problems found"),
    "ready": ("info", "Ready to take over"),
    "writing": ("info", "Taking over"),
    "done": ("good", "Taken over"),
    "undoing": ("info", "Undoing"),
    "undone": ("neutral", "Undone"),
    "failed": ("bad", "Failed"),
}
"""Status -> (tone, word)."""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of the uploaded data before and after: how many, and how much of `unit` (a currency, or "units")."""

    label: str
    unit: str = ""
    count_before: int = 0
    count_after: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a file changes: things that are new, other than before, gone, the same; and the sums."""

    things: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    sums: list[Sum] = []

    @property
    def same(self) -> int:
        return self.things - self.new - self.changed - self.removed


class Column(msgspec.Struct, frozen=True):
    """A column of the file and some of its cells."""

    name: str
    cells: list[str] = []


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `uploads`."""

    id: int
    org_id: UUID
    kind: str
    family: str
    filename: str
    bytes: int
    sha256: str
    layout: Layout
    columns: list[Column]
    mapping: dict[str, str]
    status: str
    rows_done: int
    rows_total: int | None
    problems: int
    outcome: Outcome | None
    undone: Outcome | None
    error: str | None
    advice: str | None
    created_by_name: str
    created_at: datetime
    asked_at: datetime
    committed_at: datetime | None

    @property
    def table(self) -> Table:
        return TABLES[self.kind]

    @property
    def at_work(self) -> bool:
        return self.status in AT_WORK

    @property
    def tone(self) -> str:
        return WORDS[self.status][0]

    @property
    def word(self) -> str:
        return WORDS[self.status][1]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


COLUMNS = ", ".join(Upload.__struct_fields__)
_JSON: dict[str, Any] = {
    "layout": Layout,
    "columns": list[Column],
    "mapping": dict[str, str],
    "outcome": Outcome,
    "undone": Outcome,
}


def from_row(row: Any) -> Upload:
    """A database row with `COLUMNS`. JSON of another version of ours counts as none."""
    values = dict(row)
    for name, kind in _JSON.items():
        if values[name] is not None:
            try:
                values[name] = msgspec.json.decode(values[name], type=kind)
            except msgspec.MsgspecError:
                values[name] = None if name in ("outcome", "undone") else kind()
    return Upload(**values)


async def load(scope: Scope, upload_id: int, *, lock: bool = False) -> Upload:
    """One upload; `lock` keeps others from changing it until the end of the transaction. Raises `Missing`."""
    row = await scope.sql.fetchrow(
        f"SELECT {COLUMNS} FROM uploads WHERE id = $1{' FOR UPDATE' if lock else ''}",  # noqa: S608 - constants
        upload_id,
    )
    if row is None:
        raise Missing("There is no such upload.")
    return from_row(row)


async def newest(scope: Scope, limit: int = 50) -> list[Upload]:
    """The organization's uploads, the newest first."""
    rows = await scope.sql.fetch(f"SELECT {COLUMNS} FROM uploads ORDER BY id DESC LIMIT $1", limit)  # noqa: S608
    return [from_row(row) for row in rows]


async def same_file(scope: Scope, upload: Upload) -> int | None:
    """Another upload of the very same bytes that is taken over, or on its way to be; the newest of them."""
    found: int | None = await scope.sql.fetchval(
        "SELECT id FROM uploads WHERE sha256 = $1 AND kind = $2 AND id <> $3 AND status <> 'undone' "
        "ORDER BY status = 'done' DESC, id DESC LIMIT 1",
        upload.sha256,
        upload.kind,
        upload.id,
    )
    return found
