"""The ids that a store's list has named so far, and the rows of ours that it has not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from portal.sync.attempt import Attempt
from portal.sync.proof.comparing import DATED, TABLES
from portal.tenancy.scope import tenant

_AT_ONCE = 5000


class Named:
    """A set of ids, kept as digests: some 70 MB per million ids."""

    def __init__(self) -> None:
        self._digests: set[int] = set()

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, identifier: str) -> bool:
        return _digest(identifier) in self._digests

    def add(self, ids: Iterable[str]) -> list[str]:
        """Take these in; those that were not there before, each once and in their order."""
        new = [each for each in dict.fromkeys(ids) if each not in self]
        self._digests.update(map(_digest, new))
        return new


async def unnamed(
    attempt: Attempt, stream: str, named: Named, before: datetime, windows: Sequence[tuple[datetime, datetime]] | None
) -> list[str]:
    """Live rows that we held `before` and that are not `named`, by id. With `windows` only rows dated within one of them."""
    within = "true"
    bounds: list[list[datetime]] = []
    if windows is not None:
        at = DATED[stream]
        within = f"""EXISTS (SELECT FROM unnest($4::timestamptz[], $5::timestamptz[]) AS w(since, until)
          WHERE {at} > since AND {at} < until)"""
        bounds = [[since for since, _ in windows], [until for _, until in windows]]
    gone: list[str] = []
    after = ""
    while True:
        async with tenant(attempt.rt.database, attempt.org_id, read_only=True) as scope:
            rows = await scope.sql.fetch(
                f"""SELECT external_id FROM {TABLES[stream]} WHERE org_id = portal_org() AND connection_id = $1
                      AND external_id > $2 AND deleted_at IS NULL AND arrived_at < $3 AND {within}
                    ORDER BY external_id LIMIT {_AT_ONCE}""",  # noqa: S608
                attempt.connection.id,
                after,
                before,
                *bounds,
            )
        gone += [row["external_id"] for row in rows if row["external_id"] not in named]
        if len(rows) < _AT_ONCE:
            return gone
        after = rows[-1]["external_id"]


def _digest(identifier: str) -> int:
    return int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest(), "big")
