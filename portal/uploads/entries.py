"""What rows of files say, as versions in PostgreSQL: staged, read back thing by thing, in force or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import msgspec

from portal.connectors.files.assembling import Version
from portal.connectors.files.rows import Entry, Trouble
from portal.tenancy.scope import Scope

PAGE = 1_000
"""Things that are held in memory at once."""
KEPT_PROBLEMS = 10_000
Staged = tuple[str, int, int, Entry]
"""(key, position of the row, line, entry)."""
Write = Callable[[Scope], Awaitable[None]]
_decode = msgspec.json.Decoder(dict[str, str]).decode

# The things of one upload after $3, with every version in force of each: those of taken-over uploads, and of $4 (the one that is
# being written; NULL while one is undone). Of orders the newest version alone counts. OFFSET 0: look-ups by key, whatever the
# planner believes of a new tenant.
_VERSIONS = """
WITH thing AS MATERIALIZED (
  SELECT key, count(*) AS rows FROM upload_entries WHERE org_id = $1 AND upload_id = $2 AND key > $3 COLLATE "C"
  GROUP BY key ORDER BY key LIMIT $5
)
SELECT t.key, t.rows, v.upload_id, v.kind, v.line, v.entry FROM thing t LEFT JOIN LATERAL (
  SELECT e.upload_id, u.kind, e.position, e.line, e.entry, u.committed_at FROM upload_entries e
  JOIN uploads u ON u.org_id = e.org_id AND u.id = e.upload_id AND (u.status = 'done' OR u.id = $4)
  WHERE e.org_id = $1 AND e.family = $6 AND e.key = t.key OFFSET 0
) v ON true
ORDER BY t.key, v.upload_id IS NOT DISTINCT FROM $4, v.committed_at, v.upload_id, v.position
"""


class Thing(msgspec.Struct, frozen=True):
    """One order, product or customer: its versions in force, oldest first, and the lines of the newest. `rows`: of the upload,
    in force or not."""

    key: str
    rows: int
    versions: list[Version]
    lines: list[int]


async def clear(scope: Scope, upload_id: int) -> None:
    """Forget what was staged and reported before."""
    for table in ("upload_entries", "upload_problems"):
        await scope.sql.execute(f"DELETE FROM {table} WHERE upload_id = $1", upload_id, timeout=600)  # noqa: S608


async def stage(scope: Scope, upload_id: int, family: str, rows: Sequence[Staged]) -> None:
    """Add rows of an upload."""
    if rows:
        await scope.sql.execute(
            """INSERT INTO upload_entries (org_id, upload_id, family, key, position, line, entry)
               SELECT $1, $2, $3, r.* FROM unnest($4::text[], $5::bigint[], $6::bigint[], $7::text[]) AS r""",
            scope.org_id,
            upload_id,
            family,
            [key for key, *_ in rows],
            [position for _, position, _, _ in rows],
            [line for _, _, line, _ in rows],
            [msgspec.json.encode(entry).decode() for *_, entry in rows],
        )


async def report(scope: Scope, upload_id: int, first: int, troubles: Sequence[Trouble]) -> None:
    """Add findings, numbered from `first`; those beyond the limit are only counted by the caller."""
    kept = troubles[: max(0, KEPT_PROBLEMS - first)]
    if kept:
        await scope.sql.execute(
            """INSERT INTO upload_problems (org_id, upload_id, position, line, field, problem, remedy)
               SELECT $1, $2, $3::int + n::int - 1, line, field, problem, remedy
               FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[])
                 WITH ORDINALITY AS r(line, field, problem, remedy, n)""",
            scope.org_id,
            upload_id,
            first,
            [each.line for each in kept],
            [each.field[:200].replace("\x00", "") for each in kept],
            [each.problem[:500].replace("\x00", "") for each in kept],
            [each.remedy[:500] for each in kept],
        )


async def problems(scope: Scope, upload_id: int, limit: int = KEPT_PROBLEMS) -> list[Trouble]:
    """The report, in the order of the file."""
    rows = await scope.sql.fetch(
        """SELECT line, field, problem, remedy FROM upload_problems WHERE upload_id = $1
           ORDER BY line NULLS FIRST, position LIMIT $2""",
        upload_id,
        limit,
    )
    return [Trouble(*row) for row in rows]


async def things(scope: Scope, upload_id: int, family: str, *, writing: bool) -> AsyncIterator[list[Thing]]:
    """The things that an upload speaks of, in pages. `writing`: its own rows are in force as the newest."""
    org_id: UUID | None = scope.org_id
    after = ""
    while True:
        rows = await scope.sql.fetch(
            _VERSIONS, org_id, upload_id, after, upload_id if writing else None, PAGE, family, timeout=120
        )
        if not rows:
            return
        page = []
        for key, found in groupby(rows, key=itemgetter("key")):
            of_key = list(found)
            versions: list[Version] = []
            lines: list[int] = []
            for number, each in groupby(of_key, key=itemgetter("upload_id")):
                if number is None:
                    continue
                group = list(each)
                versions.append((group[0]["kind"], [_decode(row["entry"]) for row in group]))
                lines = [row["line"] for row in group]
            page.append(Thing(key, of_key[0]["rows"], versions, lines))
        yield page
        after = page[-1].key
