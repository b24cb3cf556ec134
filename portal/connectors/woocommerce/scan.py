"""Reading a whole collection by ascending id, losing nothing while rows are added, changed and deleted meanwhile.

WooCommerce pages by position only, so a row deleted before our position pulls an unread one behind it. Each page therefore
begins with the last row already read: as long as its first id is not beyond the highest id read, nothing slipped through
the boundary; when it is, the position steps back until the boundary is inside the page again. Rows that are added or moved
in only push known rows forward, which are read twice. Ids are unique and never change, so unlike pages ordered by a
modification second that hundreds of rows share, every page has one order and the reading terminates.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from portal.connectors.values import BadValue, identifier
from portal.connectors.woocommerce.client import Answer, Client
from portal.connectors.woocommerce.payloads import named
from portal.foundation.errors import ConnectorError, Permanent

SMALLEST_PAGE = 10
LARGEST_PAGE = 100


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reading stands: the next offset, the highest id read, the first id of the last page, the page size."""

    offset: int = 0
    last: int = 0
    first: int = 0
    size: int = LARGEST_PAGE

    @classmethod
    def of(cls, cursor: object) -> Position:
        """The position stored in a cursor; the start when there is none or it is not readable."""
        try:
            return msgspec.convert(cursor or {}, cls)
        except msgspec.ValidationError:
            return cls()

    def cursor(self) -> dict[str, int]:
        return {"offset": self.offset, "last": self.last, "first": self.first, "size": self.size}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One page: its rows (the boundary row again among them), the position after it, whether the end was reached."""

    rows: list[object]
    position: Position
    finished: bool
    total: int | None


async def read_part(
    client: Client,
    path: str,
    params: Mapping[str, str],
    position: Position,
    *,
    overlap: int = 1,
    rows: type[msgspec.Struct] | None = None,
) -> Part:
    """The next page of `path` after `position`, `overlap` rows of the last page included, decoded into `rows` if given.

    Halves the page size, down to 10, when a page is too large or too slow. Raises `ConnectorError`s; `Permanent` for a shop
    that repeats one page for ever (a cache in front of the API).
    """
    offset, back = max(0, position.offset - overlap), 16
    while True:
        answer, size = await _fetch(client, path, params, Position(offset=offset, size=position.size), rows)
        ids = _ids(answer.rows)
        if offset and _slipped(ids, position.last, answer, offset):
            position = msgspec.structs.replace(position, size=size)
            offset, back = max(0, offset - back), back * 2
            continue
        break
    if offset and len(ids) > overlap and ids[0] == position.first and offset >= position.offset - overlap:
        raise Permanent(
            "The shop sends the same page again and again.",
            "A cache in front of the shop ignores the page number. Exclude /wp-json/ from caching.",
        )
    found = answer.rows
    # A shop may leave rows out of a page (no right to see them), so a short page is the last one only if the total says so.
    after = offset + (len(found) if answer.total is None else size)
    finished = len(found) < size if answer.total is None else after >= answer.total
    return Part(
        rows=found,
        finished=finished,
        total=answer.total,
        position=Position(
            offset=min(after, offset + len(found)) if finished else after,
            last=max([position.last, *ids]),
            first=ids[0] if ids and not finished else 0,
            size=size,
        ),
    )


def _slipped(ids: list[int], last: int, answer: Answer, offset: int) -> bool:
    """Whether unread rows may lie before this page. Only judged when the shop kept the order that was asked for."""
    if not ids:
        return answer.total is None or offset >= answer.total  # the list became shorter than our position
    return ids == sorted(ids) and ids[0] > last


async def _fetch(
    client: Client, path: str, params: Mapping[str, str], at: Position, rows: type[msgspec.Struct] | None
) -> tuple[Answer, int]:
    size = at.size
    while True:
        paging = {"orderby": "id", "order": "asc", "per_page": str(size), "offset": str(at.offset)}
        try:
            return await client.get(path, {**params, **paging}, rows=rows), size
        except ConnectorError as wrong:
            if size <= SMALLEST_PAGE or not too_heavy(wrong):
                raise
            size = max(SMALLEST_PAGE, size // 2)


def too_heavy(wrong: ConnectorError) -> bool:
    """Whether a smaller page may succeed: the answer was over the size limit, took too long, or was refused as too large."""
    return wrong.status == 413 or wrong.details.get("reason") in {"too_large", "timeout"}


def _ids(rows: list[object]) -> list[int]:
    found = []
    for row in rows:
        try:
            known = identifier(named(row, "id"))
        except BadValue:
            known = None
        if known:
            found.append(int(known))
    return found
