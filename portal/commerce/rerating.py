"""Stored orders and refunds to the rates of today: judged row by row, in bounded batches that a sync runs between.

No lock is held on the whole organization. Rates are committed first; then every connection is held once and let go, so that
writers that had begun before have ended and all later ones know the new rates (`barrier`); then rows are looked for without a
lock and rewritten under their connection's, each batch one transaction with its rollups, restatements and data version. A row
is rewritten only when its rate is another one, so a batch that is repeated after a kill changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from portal.commerce import locks, rollups
from portal.commerce.recalculating import recalculating
from portal.commerce.tables import rate
from portal.foundation.bus import Event
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant

WALKED = 4_000
"""Rows that are looked at in one statement."""
BATCH = 1_000
"""Rows that one transaction rewrites: some tenths of a second under the connection's lock."""
_PATIENT = 600.0  # seconds: a file of a million rows is one transaction, and has the connection until its end
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
_WALKS = {
    "orders": ("business_at", "r.deleted_at IS NULL"),
    "refunds": ("refunded_at", "r.counted"),  # the others are settled anew when they begin to count
}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows may have another rate: of `currencies`, from `begins` up to `ends` (aware; the latter outside)."""

    currencies: list[str]
    begins: datetime
    ends: datetime


class Place(msgspec.Struct, frozen=True):
    """After which row a walk goes on."""

    of: str = "orders"
    at: datetime | None = None
    connection_id: int = 0
    external_id: str = ""


class Found(msgspec.Struct, frozen=True):
    """`place` None: there is nothing more. `wrong`: connection -> ids of rows whose rate is another one now."""

    place: Place | None
    of: str
    walked: int
    wrong: dict[int, list[str]]


async def span(scope: Scope, currencies: Sequence[str], first: date | None, until: date | None) -> Span:
    """The moments between two local days; None is open."""
    zone = ZoneInfo(await scope.sql.fetchval("SELECT timezone FROM organizations"))
    begins, ends = (
        limit if day is None else datetime.combine(day, time.min, zone).astimezone(UTC)
        for day, limit in ((first, _FIRST), (until, _LAST))
    )
    return Span(currencies=list(currencies), begins=begins, ends=ends)


async def count(scope: Scope, what: Span) -> int:
    """How many rows a walk looks at, by now."""
    found: int = await scope.sql.fetchval(
        """SELECT (SELECT count(*) FROM orders r
                   WHERE r.org_id = $1 AND r.deleted_at IS NULL AND r.business_at >= $2 AND r.business_at < $3)
                + (SELECT count(*) FROM refunds r
                   WHERE r.org_id = $1 AND r.counted AND r.refunded_at >= $2 AND r.refunded_at < $3)""",
        scope.org_id,
        what.begins,
        what.ends,
        timeout=_PATIENT,
    )
    return found


async def barrier(rt: Runtime, org_id: UUID) -> None:
    """Wait until every writer that may not have seen the present rates has ended. Holds one connection at a time."""
    async with tenant(rt.database, org_id, read_only=True) as scope:
        ids = [row[0] for row in await scope.sql.fetch("SELECT id FROM client_api_credentials ORDER BY id")]
    for connection_id in ids:
        try:
            async with tenant(rt.database, org_id) as scope:
                await locks.writer(scope, org_id, connection_id)
        except Missing:
            continue


async def look(scope: Scope, what: Span, place: Place) -> Found:
    """The next rows from `place` on, without a lock."""
    at, alive = _WALKS[place.of]
    rows = await scope.sql.fetch(
        f"""SELECT r.{at} AS at, r.connection_id, r.external_id,
              r.currency = ANY($6::text[]) AND r.rate IS DISTINCT FROM {rate("r.currency", "r.business_day")} AS wrong
            FROM (SELECT r.org_id, r.{at}, r.connection_id, r.external_id, r.currency, r.business_day, r.rate
                  FROM {place.of} r WHERE r.org_id = $1 AND {alive} AND r.{at} >= $2 AND r.{at} < $3
                    AND (r.{at}, r.connection_id, r.external_id) > ($2, $4::bigint, $5::text)
                  ORDER BY r.{at}, r.connection_id, r.external_id LIMIT {WALKED}) r
            JOIN organizations o ON o.id = r.org_id ORDER BY 1, 2, 3""",  # noqa: S608 - constants
        scope.org_id,
        place.at or what.begins,
        what.ends,
        place.connection_id,
        place.external_id,
        what.currencies,
        timeout=_PATIENT,
    )
    wrong: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row["wrong"]:
            wrong[row["connection_id"]].append(row["external_id"])
    onward: Place | None = None
    if len(rows) == WALKED:
        onward = Place(place.of, *rows[-1][:3])
    elif place.of == "orders":
        onward = Place("refunds")
    return Found(onward, place.of, len(rows), dict(wrong))


def _set(table: str) -> str:
    new = rate("r.currency", "r.business_day")
    return f"""UPDATE {table} r SET rate = {new} FROM organizations o
        WHERE o.id = $1 AND r.org_id = $1 AND r.connection_id = $2 AND r.external_id = ANY($3::text[])
          AND r.rate IS DISTINCT FROM {new}"""  # noqa: S608 - constants


_SET = {table: _set(table) for table in _WALKS}


async def rewrite(rt: Runtime, org_id: UUID, found: Found, *, work: str = "") -> int:
    """Give the rows that were found their rates, at most `BATCH` in a transaction, and tell; how many were rewritten.

    `work` names the recalculation, so that its batches leave one line per day in the restatement log.
    """
    changed = 0
    for connection_id, ids in found.wrong.items():
        for start in range(0, len(ids), BATCH):
            try:
                changed += await _batch(rt, org_id, connection_id, found.of, ids[start : start + BATCH], work=work)
            except Missing:  # the store was removed, and its rows with it
                break
    return changed


async def _batch(rt: Runtime, org_id: UUID, connection_id: int, of: str, ids: list[str], *, work: str) -> int:
    async with tenant(rt.database, org_id) as scope:
        await locks.writer(scope, org_id, connection_id)
        sql, whose = scope.sql, (org_id, connection_id)
        days = [
            row[0]
            for row in await sql.fetch(
                f"SELECT DISTINCT business_day FROM {of} WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3)",  # noqa: S608
                *whose,
                ids,
            )
        ]
        touched: tuple[list[str], list[str]] = (ids, []) if of == "orders" else ([], ids)
        async with recalculating(scope, "new_exchange_rate", connection_id=connection_id, days=days, work=work):
            await sql.execute(rollups.LIFT, *whose, *touched)
            done: str = await sql.execute(_SET[of], *whose, ids)
            # No customer's first order moves by a rate: nothing to say of them.
            nobody: tuple[list[Any], ...] = ([], [], [], [])
            await sql.execute(rollups.LAY, *whose, *touched, *nobody)
        changed = int(done.rpartition(" ")[2])
        version = await locks.advance(scope, org_id, moved=changed > 0)
    if changed:
        await rt.bus.publish(Event(org_id, "data", version, {"kinds": ["orders", "products", "refunds"]}))
    return changed
