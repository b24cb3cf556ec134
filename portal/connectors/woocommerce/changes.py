"""What changed in a collection since the last run: orders and products, each as two lists, `any` and `trash`.

A run of a list reads everything modified after the list's mark, by id (see `scan`). The mark of the next run is the newest
modification second the list had when this run began, minus one second: `modified_after` is strictly greater-than at
one-second precision, and rows of that same second may still be coming. It is taken from the rows' own stamps, so neither our
clock nor a proxy's matters; whatever changes while the run reads is newer than that and belongs to the next run. The first
run has no mark and is the backfill.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from portal.connectors.answers import Cursor
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.scan import LARGEST_PAGE, Part, Position, read_part

LISTS = ("any", "trash")  # `any` leaves out trash and checkout-draft
_NAIVE = "%Y-%m-%dT%H:%M:%S"  # with `dates_are_gmt`; a zone beside the flag would shift the value
_SETTLED = timedelta(seconds=15)
_DISTRUST = timedelta(minutes=10)


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a list was read. `after` is the filter of the next run (naive GMT), None: nothing read yet.

    `top`, `total` and `settled` say what the list looked like, so that a quiet store costs one request.
    """

    after: str | None = None
    top: str | None = None
    total: int | None = None
    settled: bool = False


class Changes(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor. `at` is the list being read, None between runs; `opened` becomes its mark when the reading is finished."""

    at: str | None = None
    marks: dict[str, Mark] = {}
    opened: Mark | None = None
    since: str | None = None
    position: Position = Position()
    whole_at: int | None = None  # when the last reading of everything began, seconds since 1970
    cost: int = 0  # requests that reading took, to pace the next

    @classmethod
    def of(cls, cursor: object) -> Changes:
        """The stored cursor; a fresh one (a backfill) when it cannot be read."""
        try:
            return msgspec.convert(cursor or {}, cls)
        except msgspec.ValidationError:
            return cls()

    def cursor(self) -> Cursor:
        found: Cursor = msgspec.to_builtins(self)
        return found


def changed_since(moment: datetime) -> Changes:
    """The cursor of a reading of everything modified at `moment` (aware) or later, in both lists."""
    after = (moment.astimezone(UTC) - timedelta(seconds=1)).strftime(_NAIVE)
    return Changes(marks=dict.fromkeys(LISTS, Mark(after=after)))


async def next_part(
    client: Client,
    path: str,
    cursor: Changes,
    *,
    whole_every: timedelta | None = None,
    fields: str = "",
    rows: type[msgspec.Struct] | None = None,
) -> tuple[Part | None, bool]:
    """The next page of changes and whether the run is finished; `cursor` is moved on. None: nothing changed.

    With `whole_every` everything is read again that often, for collections whose stamps do not tell every change.
    """
    while True:
        at = cursor.at = cursor.at or LISTS[0]
        if cursor.opened is None and not await _open(client, path, cursor, at, whole_every):
            if _leave(cursor, at):
                return None, True
            continue
        filters = {"status": at, **_since(cursor.since)} | ({"_fields": fields} if fields else {})
        part = await read_part(client, path, filters, cursor.position, rows=rows)
        cursor.position = part.position
        if not part.finished:
            return part, False
        cursor.marks = {**cursor.marks, at: cursor.opened or Mark()}
        return part, _leave(cursor, at)


def _leave(cursor: Changes, at: str) -> bool:
    """Move on to the next list; whether there was none."""
    cursor.opened, cursor.since, cursor.position = None, None, Position(size=LARGEST_PAGE)
    place = LISTS.index(at) + 1 if at in LISTS else len(LISTS)
    cursor.at = LISTS[place] if place < len(LISTS) else None
    return cursor.at is None


async def _open(client: Client, path: str, cursor: Changes, at: str, whole_every: timedelta | None) -> bool:
    """Look at the newest row and fix the window; False when the list holds nothing new."""
    mark = cursor.marks.get(at, Mark())
    now = int(datetime.now(UTC).timestamp())
    # Below zero: our clock was ahead then, and must not put the next one off for long.
    age = now - (cursor.whole_at or 0)
    whole = bool(whole_every and at == LISTS[0] and not 0 <= age < whole_every.total_seconds())
    since = None if whole else mark.after
    newest = {"status": at, "orderby": "modified", "order": "desc", "per_page": "1", **_since(since)}
    answer = await client.get(path, newest)
    if not answer.rows:
        return False
    clock = answer.date or datetime.now(UTC)
    top = _stamp(answer.rows[0])
    if top is None or top > clock + timedelta(minutes=1):  # a stamp from the future must not end the reading for ever
        top = clock - _DISTRUST
    if not whole and mark.settled and mark.top == top.strftime(_NAIVE) and mark.total == answer.total:
        return False
    if whole:
        cursor.whole_at, cursor.cost = now, 1
    cursor.since, cursor.position = since, Position(size=LARGEST_PAGE)
    cursor.opened = _next_mark(mark, top, clock, None if whole else answer.total)
    return True


def _next_mark(mark: Mark, top: datetime, clock: datetime, total: int | None) -> Mark:
    after = max(filter(None, (mark.after, (top - timedelta(seconds=1)).strftime(_NAIVE))))
    return Mark(
        after=after,
        top=top.strftime(_NAIVE),
        total=total,
        # Only rows seen well after their second are all there is of it, and only then an equal total means no change.
        settled=total is not None and mark.after == after and clock - top > _SETTLED,
    )


def _since(after: str | None) -> dict[str, str]:
    return {"modified_after": after, "dates_are_gmt": "true"} if after else {}


def _stamp(row: object) -> datetime | None:
    given = row.get("date_modified_gmt") if isinstance(row, dict) else None
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
