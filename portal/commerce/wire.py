"""How columns of rows reach PostgreSQL: texts and numbers joined to one text each, the rest as arrays.

Encoding an array of a thousand texts one by one takes three times as long as joining and splitting them
(docs/adr/0003-rollups.md), and the numbers are cast by PostgreSQL. Texts come from outside and may hold any character, so the
separator and the mark of NULL are checked, and chosen anew when a text contains them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

JOINED = frozenset({"text", "numeric", "text[]", "jsonb"})
"""Column types that travel as joined text."""


def pack(kinds: Iterable[str], rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The separator, the mark of NULL, and one parameter per column; `kinds` are the columns' types."""
    columns = [
        [None if value is None else str(value) for value in column] if kind == "numeric" else list(column)
        for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)
    ]
    joined = [kind in JOINED for kind in kinds]
    separator, null = "\x1f", "\x1e"
    while True:
        made = [
            _join(column, separator, null) if text else column for text, column in zip(joined, columns, strict=True)
        ]
        if None not in made:
            return [separator, null, *made]
        separator, null = f"\x1f{secrets.token_hex(8)}", f"\x1e{secrets.token_hex(8)}"


def unpacked(place: int, kind: str, *, separator: int, null: int) -> str:
    """SQL for the array in parameter `place`, and those of the separator and the mark of NULL."""
    if kind in JOINED:
        return f"trim_array(string_to_array(${place}::text, ${separator}::text, ${null}::text), 1)"
    return f"${place}::{kind}[]"


def _join(column: Sequence[str | None], separator: str, null: str) -> str | None:
    """None when a value contains one of the two. The separator at the end keeps a single empty text from being no text."""
    text = separator.join([null if value is None else value for value in column]) + separator
    if text.count(separator) != len(column) or text.count(null) != column.count(None):
        return None
    return text.replace("\x00", "")  # no PostgreSQL text holds it
