"""The rows of `reconciliations`: one comparison of one stream, written with what it healed and read for its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from portal.sync.proof.comparing import DAYS, Tally
from portal.sync.proof.differences import Found
from portal.tenancy.scope import Scope

_T = TypeVar("_T")
KINDS = ("missing", "extra", "different")
"""Missing here, gone there, and not the same."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was not the same on both sides. `ours` and `theirs` hold status and total where both are known."""

    id: str
    healed: bool = False
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    why: str = ""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One local day in one currency: every order outside the trash, gross."""

    day: date
    currency: str
    ours: int
    theirs: int
    money_ours: Decimal
    money_theirs: Decimal
    at: datetime | None = None  # when it was compared; None: with its row

    @property
    def even(self) -> bool:
        return self.ours == self.theirs and self.money_ours == self.money_theirs


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One row, read. `ours` and `theirs` are counts after healing, None when unknown; the lists hold at most 100 each."""

    id: int
    stream: str
    at: datetime
    state: str
    reason: str
    complete: bool
    ours: int | None
    theirs: int | None
    missing: int
    extra: int
    different: int
    healed: int
    lists: dict[str, list[Difference]]
    money_ours: dict[str, Decimal] | None
    money_theirs: dict[str, Decimal] | None
    days: list[Day]
    windows: list[tuple[datetime, datetime]] = []

    @property
    def found(self) -> int:
        return self.missing + self.extra + self.different

    @property
    def left(self) -> int:
        return self.found - self.healed

    @property
    def to_heal(self) -> list[str]:
        """Ids that one click would ask the store for."""
        return [each.id for kind in KINDS for each in self.lists[kind] if not each.healed]


def state_of(found: Mapping[str, Found]) -> str:
    """even: nothing was found; healed: nothing is left; different: something is."""
    if any(each.left for each in found.values()):
        return "different"
    return "healed" if any(each.count for each in found.values()) else "even"


async def save(
    scope: Scope,
    org_id: UUID,
    connection_id: int,
    stream: str,
    *,
    run_id: UUID,
    tally: Tally,
    found: Mapping[str, Found],
    complete: bool,
    reason: str = "",
) -> None:
    """Write a finished comparison in the transaction that ends it. One of windows only takes the other days, and what was left
    to do there, from the one before."""
    days, ours, theirs = tally.by_day(), tally.ours, tally.theirs
    if tally.windows and days is not None:
        days = _with_others(days, (await latest(scope, connection_id)).get(stream), tally)
        ours, theirs = sum(day["ours"] for day in days), sum(day["theirs"] for day in days)
    state = state_of(found)
    if any((day["ours"], day["money_ours"]) != (day["theirs"], day["money_theirs"]) for day in days or []):
        state = "different"
    await scope.sql.execute(
        """INSERT INTO reconciliations (org_id, connection_id, stream, run_id, state, reason, complete, ours, theirs,
             missing, extra, different, healed_missing, healed_extra, healed_different,
             missing_ids, extra_ids, different_ids, money_ours, money_theirs, days, windows)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)""",
        org_id,
        connection_id,
        stream,
        run_id,
        state,
        reason,
        complete,
        ours,
        theirs,
        *(found[kind].count for kind in KINDS),
        *(found[kind].healed for kind in KINDS),
        *(_json(found[kind].sample) for kind in KINDS),
        _json(tally.money_of(0)),
        _json(tally.money_of(1)),
        _json(days),
        _json(tally.windows or None),
    )


def _with_others(days: list[dict[str, Any]], before: Comparison | None, tally: Tally) -> list[dict[str, Any]]:
    """The days that were compared now, and those of the last sixty that were not, as they were compared last."""
    oldest = tally.today - timedelta(days=DAYS)
    others = [
        msgspec.structs.replace(day, at=day.at or before.at)
        for day in (before.days if before else [])
        if before is not None and day.day > oldest and not tally.covers(day.day)
    ]
    told: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(others))
    return sorted([*days, *told], key=lambda day: (day["day"], day["currency"]), reverse=True)


async def save_unknown(
    scope: Scope, org_id: UUID, connection_id: int, stream: str, *, run_id: UUID, reason: str
) -> None:
    """The comparison could not be made. Of several in a row only the last is kept."""
    await scope.sql.execute(
        "DELETE FROM reconciliations WHERE org_id = $1 AND connection_id = $2 AND stream = $3 AND state = 'unknown'",
        org_id,
        connection_id,
        stream,
    )
    await scope.sql.execute(
        """INSERT INTO reconciliations (org_id, connection_id, stream, run_id, state, reason)
           VALUES ($1, $2, $3, $4, 'unknown', $5)""",
        org_id,
        connection_id,
        stream,
        run_id,
        reason[:500],
    )


async def latest(scope: Scope, connection_id: int) -> dict[str, Comparison]:
    """The newest comparison of each stream of a connection."""
    rows = await scope.sql.fetch(
        """SELECT DISTINCT ON (stream) *, healed_missing + healed_extra + healed_different AS healed FROM reconciliations
           WHERE org_id = portal_org() AND connection_id = $1 ORDER BY stream, id DESC""",
        connection_id,
    )
    return {row["stream"]: _comparison(row) for row in rows}


async def mark_healed(scope: Scope, found: Comparison, healed: set[str], reasons: Mapping[str, str]) -> None:
    """After a heal by hand: what is left with the reasons that are known, and the counts with it."""

    def now(each: Difference) -> Difference:
        if each.healed:
            return each
        if each.id in healed:
            return msgspec.structs.replace(each, healed=True, why="")
        return msgspec.structs.replace(each, why=reasons.get(each.id, each.why))

    lists = {kind: [now(each) for each in found.lists[kind]] for kind in KINDS}
    done = {kind: sum(each.id in healed and not each.healed for each in found.lists[kind]) for kind in KINDS}
    left = found.left - sum(done.values())
    await scope.sql.execute(
        """UPDATE reconciliations SET missing_ids = $2, extra_ids = $3, different_ids = $4,
             healed_missing = healed_missing + $5, healed_extra = healed_extra + $6, healed_different = healed_different + $7,
             ours = ours + $5 - $6, moved_at = now(),
             state = CASE WHEN $8::int > 0 THEN 'different' ELSE 'healed' END WHERE id = $1""",
        found.id,
        *(_json(lists[kind]) for kind in KINDS),
        *(done[kind] for kind in KINDS),
        left,
    )


async def compare_next_time(scope: Scope, connection_id: int) -> None:
    """Let the next run compare every stream, whenever the last comparison was."""
    await scope.sql.execute(
        "UPDATE sync_cursors SET completed_at = NULL WHERE connection_id = $1 AND stream LIKE 'ids:%'", connection_id
    )


def _comparison(row: Any) -> Comparison:
    known = {name: row[name] for name in Comparison.__struct_fields__ if name in row.keys()}  # noqa: SIM118 - a Record
    lists = {kind: _read(row[f"{kind}_ids"], list[Difference]) or [] for kind in KINDS}
    money = {name: _read(row[name], dict[str, Decimal]) for name in ("money_ours", "money_theirs")}
    windows = _read(row["windows"], list[tuple[datetime, datetime]]) or []
    return Comparison(
        **known | money | {"lists": lists, "days": _read(row["days"], list[Day]) or [], "windows": windows}
    )


def _read(stored: str | None, kind: type[_T]) -> _T | None:
    """What `_json` wrote; another shape (of another version) gives nothing rather than an error."""
    try:
        return None if stored is None else msgspec.json.decode(stored, type=kind)
    except msgspec.ValidationError:
        return None


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
