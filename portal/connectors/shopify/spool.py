"""The result of a bulk operation on its way into pages: JSONL of any size, in bounded memory.

Children may stand anywhere in the file, before their parents too. So the lines go into a private temporary table on disk as
they arrive, and parents are taken out by ascending id with their children. SQLite deletes the file with its last handle.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from portal.connectors.shopify.values import Row, inside, number_of
from portal.connectors.values import number
from portal.foundation.errors import Permanent, Temporary

_BATCH = 2_000
_LONGEST_LINE = 16 << 20
_PLACES = {  # where a child stands in its parent, by its kind
    "LineItem": ("lineItems",),
    "Return": ("returns",),
    "ReturnLineItem": ("returnLineItems",),
    "UnverifiedReturnLineItem": ("returnLineItems",),
    "ProductVariant": ("variants",),
    "InventoryLevel": ("inventoryItem", "inventoryLevels"),
}
_DECODER = msgspec.json.Decoder(dict[str, object], float_hook=number)


class _Heading(msgspec.Struct):
    id: str = ""
    parent: str | None = msgspec.field(name="__parentId", default=None)


_HEADING = msgspec.json.Decoder(_Heading)


class Spool:
    """One result. `load` once, then `take` pages of it; only one at a time."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8000"):
            self._rows.execute(f"PRAGMA {setting}")
        self._rows.execute("CREATE TABLE lines (num INTEGER, id TEXT, parent TEXT, body BLOB)")
        self.roots = 0

    async def load(self, chunks: AsyncIterator[bytes]) -> None:
        """Take in the whole file. Raises `Temporary` for a line that is no JSON: the download was cut."""
        rest, lines = b"", list[bytes]()
        async for chunk in chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                raise Permanent("Shopify's export has a line of more than 16 MB.", "Please report it.")
            lines += [line for line in whole if line.strip()]
            if len(lines) >= _BATCH:
                await asyncio.to_thread(self._insert, lines)
                lines = []
        if rest.strip():
            lines.append(rest)
        await asyncio.to_thread(self._insert, lines)
        await asyncio.to_thread(self._settle)

    async def take(self, after: int, count: int) -> list[tuple[int, Row]]:
        """The next `count` parents with a number above `after`, each with its children in place."""
        return await asyncio.to_thread(self._take, after, count)

    def close(self) -> None:
        """Give the disk back."""
        self._rows.close()

    def _insert(self, lines: Sequence[bytes]) -> None:
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", (_line(line) for line in lines))
        self._rows.execute("COMMIT")

    def _settle(self) -> None:
        self._rows.execute("CREATE INDEX by_number ON lines (num) WHERE parent IS NULL")
        self._rows.execute("CREATE INDEX by_parent ON lines (parent) WHERE parent IS NOT NULL")
        (self.roots,) = self._rows.execute("SELECT count(*) FROM lines WHERE parent IS NULL").fetchone()

    def _take(self, after: int, count: int) -> list[tuple[int, Row]]:
        found = self._rows.execute(
            "SELECT num, body FROM lines WHERE parent IS NULL AND num > ? ORDER BY num LIMIT ?", (after, count)
        ).fetchall()
        parents = [(number, _DECODER.decode(body)) for number, body in found]
        self._adopt([row for _, row in parents], depth=2)
        return parents

    def _adopt(self, parents: Sequence[Row], depth: int) -> None:
        known: dict[str, Row] = {}
        for row in parents:
            known[str(row.get("id"))] = row
            if item := inside(row, "inventoryItem", "id"):
                known[str(item)] = row
        children: list[Row] = []
        for ids in _parts(list(known)):
            marks = ",".join("?" * len(ids))
            listed = self._rows.execute(
                f"SELECT parent, body FROM lines WHERE parent IN ({marks}) ORDER BY num, rowid",  # noqa: S608
                ids,
            )
            for parent, body in listed:
                child = _DECODER.decode(body)
                if _place(known[parent], child):
                    children.append(child)
        if children and depth > 1:
            self._adopt(children, depth - 1)


def _line(line: bytes) -> tuple[int, str, str | None, bytes]:
    try:
        heading = _HEADING.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Temporary("Shopify's export was cut off.", "It is downloaded again by itself.") from None
    return int(number_of(heading.id) or 0), heading.id, heading.parent, line


def _place(parent: Row, child: Row) -> bool:
    """Put a child into its parent's list; False for a kind that nobody asked for."""
    kind = str(child.get("id", "")).removeprefix("gid://shopify/").split("/")[0]
    path = _PLACES.get(kind)
    if path is None:
        return False
    holder: Row = parent
    for name in path:
        step = holder.setdefault(name, {})
        if not isinstance(step, dict):
            return False
        holder = step
    nodes = holder.setdefault("nodes", [])
    if isinstance(nodes, list):
        nodes.append(child)
    return True


def _parts(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))
