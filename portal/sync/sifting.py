"""Rows that the database refuses, found among those that it takes: the good ones are kept, each bad one is named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Rejected
from portal.sync.writing import UNWRITABLE, said

Keep = Callable[[Sequence[AnyRecord]], Awaitable[None]]
"""Writes some rows in a transaction of its own, or raises and has written none."""


async def sift(records: Sequence[AnyRecord], keep: Keep) -> tuple[list[AnyRecord], list[Rejected]]:
    """Keep what can be kept, halving around what cannot: one bad row of a thousand costs some ten transactions. Returns
    (kept, refused); whatever else goes wrong is raised."""
    try:
        await keep(records)
    except UNWRITABLE as error:
        if len(records) == 1:
            reason = f"The row cannot be stored: {said(error)}."
            return [], [Rejected(stream=records[0].stream, external_id=records[0].external_id, reason=reason)]
        middle = len(records) // 2
        first = await sift(records[:middle], keep)
        second = await sift(records[middle:], keep)
        return first[0] + second[0], first[1] + second[1]
    return list(records), []
