"""What the mapping made of a page, and the guard against pages that repeat for ever."""

from __future__ import annotations

from collections.abc import Sequence

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Cursor, Page, Rejected
from portal.connectors.values import text
from portal.foundation.errors import Permanent

Mapped = AnyRecord | Rejected | None


def made(mapped: Sequence[Mapped], fetched: int, following: Cursor, done: bool) -> Page:
    """Sorted into records and rejected rows; what does not concern the connection (None) is left out."""
    return Page(
        records=[each for each in mapped if each is not None and not isinstance(each, Rejected)],
        rejected=[each for each in mapped if isinstance(each, Rejected)],
        next=following,
        caught_up=done,
        fetched=fetched,
    )


def next_token(holder: object, before: str) -> str:
    """The token of the next page, "" at the end. A page may be empty and still carry one.

    Raises `Permanent` for the token that was just used: the same page would come for ever.
    """
    token = text(holder.get("nextToken"), 8000) if isinstance(holder, dict) else ""
    if token and token == before:
        raise Permanent(
            "Amazon names the same page again and again.", "The next sync begins it anew; report it if it stays."
        )
    return token


def rows_of(value: object) -> list[object]:
    """A list inside an answer; nothing where there is none."""
    return value if isinstance(value, list) else []
