"""What a worker has to do after rates or the reporting currency changed: asked for in the transaction that changed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from portal.commerce.exchange import Shift
from portal.commerce.rerating import Place
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope

_COLUMNS = """id, org_id, kind, currencies, to_currency, from_day, until_day, status, place, step, rows_done, rows_total,
  rows_changed, error, asked_by, asked_at, finished_at, lease_until"""


class Recalculation(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` rates: rows of `currencies` between two days; currency: everything, in `to_currency`. `place`: how far it is."""

    id: int
    org_id: UUID
    kind: str
    currencies: list[str]
    to_currency: str | None
    from_day: date | None
    until_day: date | None
    status: str
    place: Place | None
    step: str
    rows_done: int
    rows_total: int | None
    rows_changed: int
    error: str | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    lease_until: datetime | None

    @property
    def waiting(self) -> bool:
        return self.status == "waiting"


def recalculation(row: Any) -> Recalculation:
    """A row of `reratings`."""
    place = msgspec.json.decode(row["place"], type=Place) if row["place"] else None
    return Recalculation(**{**{name: row[name] for name in Recalculation.__struct_fields__}, "place": place})


async def request(scope: Scope, shifts: Sequence[Shift], by: str) -> int | None:
    """Ask for the rows that `shifts` concern: from the first changed day up to the day of the next rate. None: no row."""
    if not shifts:
        return None
    hold: int = await scope.sql.fetchval("SELECT rates_hold_days FROM organizations")
    last: dict[str, date] = {}
    for shift in shifts:
        last[shift.currency] = max(shift.day, last.get(shift.currency, shift.day))
    following = await scope.sql.fetch(
        """SELECT t.currency, (SELECT min(x.day) FROM exchange_rates x WHERE x.currency = t.currency AND x.day > t.day)
           FROM unnest($1::text[], $2::date[]) AS t(currency, day)""",
        list(last),
        list(last.values()),
    )
    ends = [min(last[row[0]] + timedelta(days=hold), row[1] or date.max) for row in following]
    return await ask(scope, "rates", by, currencies=sorted(last), span=(min(s.day for s in shifts), max(ends)))


async def ask(
    scope: Scope,
    kind: str,
    by: str,
    *,
    currencies: Sequence[str] = (),
    span: tuple[date | None, date | None] = (None, None),
    to_currency: str | None = None,
) -> int:
    """Ask for a recalculation in the caller's transaction; its id."""
    made: int = await scope.sql.fetchval(
        """INSERT INTO reratings (org_id, kind, currencies, from_day, until_day, to_currency, asked_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
        scope.org_id,
        kind,
        list(currencies),
        *span,
        to_currency,
        by,
    )
    return made


async def newest(scope: Scope) -> Recalculation | None:
    """The one under way, else the last one that ended; None when there never was one."""
    row = await scope.sql.fetchrow(
        f"""SELECT {_COLUMNS} FROM reratings
            ORDER BY status = 'waiting' DESC, CASE WHEN status = 'waiting' THEN id END, id DESC LIMIT 1"""  # noqa: S608
    )
    return None if row is None else recalculation(row)


async def tell(rt: Runtime, org_id: UUID) -> None:
    """Tell open pages that something moved; after the commit."""
    await rt.bus.publish(Event(org_id, "progress", 0, {"rates": True}))


CLAIM = f"""
UPDATE reratings SET lease_owner = $1, lease_until = clock_timestamp() + $2 WHERE id = (
  SELECT r.id FROM reratings r WHERE r.status = 'waiting' AND r.not_before <= clock_timestamp()
    AND (r.lease_until IS NULL OR r.lease_until < clock_timestamp())
    AND NOT EXISTS (SELECT FROM reratings e WHERE e.org_id = r.org_id AND e.id < r.id AND e.status = 'waiting')
  ORDER BY r.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants
"""$1 who, $2 for how long: one at a time of each organization, in the order they were asked for."""
