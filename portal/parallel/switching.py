"""Who counts: into shadow and out of it, from one source to another on a day, and back. Each is one transaction.

The organization's rows are held meanwhile, so that no batch comes between the totals before and after; what that changes of
days that are over is restated with its reason. The caller audits, and tells after the commit.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from portal.commerce import locks
from portal.commerce.recalculating import Change, Total, restate
from portal.foundation.errors import Conflict, Invalid, Missing
from portal.parallel.sides import Counting, Side, every, mark, pair
from portal.tenancy.scope import Scope

_TOTALS = """
SELECT connection_id, day, sum(gross_reporting - refunds_reporting) AS revenue, sum(orders)::bigint AS orders
FROM daily_sales WHERE org_id = $1 AND connection_id = ANY($2) AND day < $3 GROUP BY 1, 2
"""
_KEEP = """
INSERT INTO picture_switches
  (org_id, old_id, new_id, old_name, new_name, day, old_before, new_before, old_after, new_after, by_name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
"""
# Who counts today what a source counted: along the switches that hold, to the last one.
_SUCCESSION = """
WITH RECURSIVE way AS (
  SELECT s.old_id AS id, s.new_id AS heir, s.id AS at FROM picture_switches s
  WHERE s.undone_at IS NULL AND s.old_id IS NOT NULL AND s.new_id IS NOT NULL
  UNION SELECT w.id, s.new_id, s.id FROM way w JOIN picture_switches s
    ON s.old_id = w.heir AND s.undone_at IS NULL AND s.new_id IS NOT NULL AND s.id > w.at
), last AS (SELECT DISTINCT ON (id) id, heir FROM way ORDER BY id, at DESC)
UPDATE client_api_credentials c SET succeeded_by = l.heir
FROM client_api_credentials x LEFT JOIN last l ON l.id = x.id
WHERE c.id = x.id AND c.org_id = $1 AND c.succeeded_by IS DISTINCT FROM l.heir
"""
_BUSY = "A file or a rebuild is being written at this moment."


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the history. `day` None: replaced entirely."""

    id: int
    old_id: int | None
    new_id: int | None
    old_name: str
    new_name: str
    day: date | None
    at: Any
    by_name: str
    undone_at: Any
    undone_by_name: str | None
    old_before: Counting
    new_before: Counting
    old_after: Counting
    new_after: Counting


async def history(scope: Scope, connection_id: int) -> list[Switch]:
    """The switches a source took part in, newest first."""
    rows = await scope.sql.fetch(
        "SELECT * FROM picture_switches WHERE $1 IN (old_id, new_id) ORDER BY id DESC LIMIT 50", connection_id
    )
    return [_switch(row) for row in rows]


async def switch(scope: Scope, *, new_id: int, old_id: int, day: date | None, seen: str, by: str) -> int:
    """From `day` on the new source counts and the old one before it; without a day the new one alone. The data version after it.

    `seen` is the `sides.mark` of both that whoever decided has seen. Raises `Conflict`, `Invalid`, `Missing`.
    """
    await _hold(scope)
    new, old = await pair(scope, new_id, old_id)
    _unchanged(seen, new, old)
    if not new.shadow or old.shadow:
        raise Conflict(f"{new.name} can only take over from a source that counts while it is itself in shadow.")
    if new.first_day is None:
        raise Conflict(f"{new.name} has no orders yet.", details={"advice": "Wait until its first sync has ended."})
    if day is not None:
        _possible(new, old, day)
    old_after = Counting(shadow=True) if day is None else msgspec.structs.replace(old.counting, until=day)
    new_after = Counting(shadow=False, since=old.counts_from if day is None else day, until=old.counts_until)
    await _put(scope, {old: old_after, new: new_after}, told_at=new.id)
    await scope.sql.execute(
        _KEEP,
        scope.org_id,
        old.id,
        new.id,
        old.name,
        new.name,
        day,
        *(_json(each) for each in (old.counting, new.counting, old_after, new_after)),
        by,
    )
    return await _done(scope)


async def switch_back(scope: Scope, *, switch_id: int, by: str) -> int:
    """Undo a switch: both count again what they did before it. The data version after it.

    Raises `Conflict` when one of the two counts something else by now (a later switch comes first), or is gone.
    """
    await _hold(scope)
    row = await scope.sql.fetchrow("SELECT * FROM picture_switches WHERE id = $1", switch_id)
    if row is None or row["undone_at"] is not None:
        raise Conflict("This switch was taken back already.", details={"advice": "Reload the page."})
    was = _switch(row)
    if was.old_id is None or was.new_id is None:
        raise Conflict("One of the two sources is not connected any more, so there is nothing to go back to.")
    new, old = await pair(scope, was.new_id, was.old_id)
    if (new.counting, old.counting) != (was.new_after, was.old_after):
        raise Conflict(
            "What one of the two counts for was changed since.", details={"advice": "Take back the later switch first."}
        )
    await _put(scope, {old: was.old_before, new: was.new_before}, told_at=new.id)
    await scope.sql.execute(
        "UPDATE picture_switches SET undone_at = now(), undone_by_name = $2 WHERE id = $1", switch_id, by
    )
    return await _done(scope)


async def set_shadow(scope: Scope, connection_id: int, *, shadow: bool, seen: str) -> int:
    """Put a source into shadow, or let it count beside the others. The data version after it. Raises `Conflict`, `Missing`."""
    await _hold(scope)
    sides = await every(scope)
    one = next((each for each in sides if each.id == connection_id), None)
    if one is None:
        raise Missing("There is no such store.")
    others = [each for each in sides if each is not one]
    _unchanged(seen, one)
    if one.shadow == shadow:
        raise Conflict("That is so already.", details={"advice": "Reload the page."})
    if any(each.undone_at is None and each.old_id and each.new_id for each in await history(scope, connection_id)):
        raise Conflict(f"{one.name} takes part in a switch.", details={"advice": "Switch back first."})
    if shadow and all(each.shadow for each in others):
        raise Conflict(f"{one.name} is the only source that counts; in shadow nothing would be left.")
    await _put(scope, {one: Counting(shadow=shadow)}, told_at=one.id)
    return await _done(scope)


def _possible(new: Side, old: Side, day: date) -> None:
    """Whether the switch can be on `day`. Raises `Invalid` by field."""
    last = new.today if new.read_until is None else min(new.read_until, new.today)
    wrong = ""
    if new.first_day is not None and day < new.first_day:
        wrong = f"{new.name} begins on {new.first_day}; days before it would be counted by nobody."
    elif day > last:
        wrong = f"{new.name} is read until {last}; choose that day or an earlier one."
    elif old.counts_from is not None and day <= old.counts_from:
        wrong = f"{old.name} counts from {old.counts_from} only; replace it entirely instead."
    elif old.counts_until is not None and day >= old.counts_until:
        wrong = f"{old.name} counts until {old.counts_until} only; choose a day before it."
    if wrong:
        raise Invalid("Please check the day.", {"day": wrong})


def _unchanged(seen: str, *sides: Side) -> None:
    if seen != mark(*sides):
        raise Conflict("Somebody changed what counts meanwhile.", details={"advice": "Reload the page and look again."})


async def _hold(scope: Scope) -> None:
    """Everything of the organization until the end of the transaction; not longer waited for than a page may take."""
    await scope.sql.execute("SET LOCAL lock_timeout = '8s'")
    try:
        await locks.everything(scope, _org(scope))
    except asyncpg.LockNotAvailableError:
        raise Conflict(_BUSY, details={"advice": "Try again when it is done; nothing was changed."}) from None


async def _put(scope: Scope, after: dict[Side, Counting], *, told_at: int) -> None:
    """Let each source count what it is to; days that are over and change are restated at `told_at`."""
    sides = list(after)
    rows = await scope.sql.fetch(_TOTALS, scope.org_id, [each.id for each in sides], sides[0].today)
    totals = {(row["connection_id"], row["day"]): Total(row["revenue"], row["orders"]) for row in rows}
    changes = []
    for day in sorted({day for _, day in totals}):
        was = _sum(totals.get((each.id, day)) for each in sides if each.counting.has(day))
        now = _sum(totals.get((each.id, day)) for each in sides if after[each].has(day))
        if was != now:
            changes.append(Change(told_at, day, was, now))
    for side, counting in after.items():
        await scope.sql.execute(
            """UPDATE client_api_credentials SET shadow = $2, counts_from = $3, counts_until = $4, updated_at = now()
               WHERE id = $1""",
            side.id,
            counting.shadow,
            counting.since,
            counting.until,
        )
    await restate(scope, "source_switched", changes)


async def _done(scope: Scope) -> int:
    await scope.sql.execute(_SUCCESSION, scope.org_id)
    return await locks.advance(scope, _org(scope), moved=True)


def _sum(totals: Any) -> Total:
    known = [each for each in totals if each is not None]
    return Total(sum((each.revenue for each in known), start=Decimal(0)), sum(each.orders for each in known))


def _org(scope: Scope) -> Any:
    assert scope.org_id is not None  # noqa: S101 - a tenant's scope
    return scope.org_id


def _switch(row: Any) -> Switch:
    values = {name: row[name] for name in Switch.__struct_fields__}
    for name in ("old_before", "new_before", "old_after", "new_after"):
        values[name] = msgspec.json.decode(values[name], type=Counting)
    return Switch(**values)


def _json(counting: Counting) -> str:
    return msgspec.json.encode(counting).decode()
