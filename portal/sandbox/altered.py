"""Pages whose rows come twice or in another order, as caches, replicas and racing writes make them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

_ROWS = frozenset({"orders", "transactions", "inventorySummaries", "nodes", "edges"})
_DEEPEST = 2  # lists inside rows stay as they are: no store doubles the lines of an order


def altered(kind: str, body: bytes) -> bytes:
    """The body with its rows doubled here and there (`duplicates`) or mixed (`disorder`); as it was when it has no rows."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    for rows in _rows(content, 0):
        if kind == "duplicates":
            rows.extend(rows[::3])
        else:
            Random(len(rows)).shuffle(rows)
    return msgspec.json.encode(content)


def _rows(content: object, depth: int) -> Iterator[list[Any]]:
    if isinstance(content, list) and depth == 0:
        yield content
    if isinstance(content, dict) and depth <= _DEEPEST:
        for name, value in content.items():
            if isinstance(value, list) and name in _ROWS:
                yield value
            elif isinstance(value, dict):
                yield from _rows(value, depth + 1)
