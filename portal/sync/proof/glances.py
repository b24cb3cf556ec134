"""The rows of `glances`: the newest cheap comparison of each stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from portal.sync.proof.comparing import TABLES
from portal.tenancy.scope import Scope

EARLY = timedelta(hours=6)
"""At most so often does a difference at a glance have everything compared before its day is over."""
_LIVE = {
    "orders": "deleted_at IS NULL AND status <> 'trashed'",
    "refunds": "deleted_at IS NULL AND NOT unlisted",
    "products": "deleted_at IS NULL AND status <> 'trashed' AND parent_id IS NULL",
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One row, read. `counted` and `held` are rows by the store's count and ours; `apart` their difference after the last full
    comparison; `since` how far back the `looked` rows go that changed; `full_at` when it last had everything compared."""

    stream: str
    at: datetime
    state: str
    reason: str = ""
    counted: int | None = None
    held: int | None = None
    apart: int | None = None
    since: datetime | None = None
    looked: int = 0
    found: int = 0
    healed: int = 0
    requests: int = 0
    full_at: datetime | None = None
    age: float = 0.0  # seconds, by the database's clock

    @property
    def even(self) -> bool:
        return self.state in {"even", "healed"}

    @property
    def moved(self) -> int:
        """By how many rows the store's count is not where the last full comparison left it; 0 where it does not count."""
        return 0 if self.counted is None or self.held is None else self.counted - self.held - (self.apart or 0)


_COLUMNS = "stream, at, state, reason, counted, held, apart, since, looked, found, healed, requests, full_at"


async def seen(scope: Scope, connection_id: int) -> dict[str, Seen]:
    """The newest of each stream of a connection."""
    rows = await scope.sql.fetch(
        f"""SELECT {_COLUMNS}, extract(epoch FROM now() - at)::float8 AS age FROM glances
            WHERE org_id = portal_org() AND connection_id = $1""",  # noqa: S608
        connection_id,
    )
    return {row["stream"]: Seen(**dict(row)) for row in rows}


async def held(scope: Scope, connection_id: int, stream: str) -> int:
    """How many rows are here that the store would count too."""
    live = _LIVE.get(stream, "deleted_at IS NULL")
    number: int = await scope.sql.fetchval(
        f"SELECT count(*) FROM {TABLES[stream]} WHERE org_id = portal_org() AND connection_id = $1 AND {live}",  # noqa: S608
        connection_id,
    )
    return number


async def save(scope: Scope, connection_id: int, run_id: Any, stream: str, **values: Any) -> None:
    """Write what is known of `stream` now; columns that are not given keep what they had."""
    names = ["run_id", *values]
    places = ", ".join(f"${place}" for place in range(3, 3 + len(names)))
    keeps = ", ".join(f"{name} = excluded.{name}" for name in names)
    await scope.sql.execute(
        f"""INSERT INTO glances (org_id, connection_id, stream, {", ".join(names)})
            VALUES (portal_org(), $1, $2, {places})
            ON CONFLICT (org_id, connection_id, stream) DO UPDATE SET at = now(), {keeps}""",  # noqa: S608 - names of the code
        connection_id,
        stream,
        run_id,
        *values.values(),
    )
