"""What the mapping made of rows, as a page."""

from __future__ import annotations

from collections.abc import Sequence

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Page, Rejected
from portal.connectors.shopify.cursors import State

Mapped = AnyRecord | Rejected


def page(
    mapped: Sequence[Mapped], fetched: int, state: State | None, *, caught_up: bool, total: int | None = None
) -> Page:
    """Sorted into records and rejected rows; `state` None is a page outside of any stream's reading."""
    return Page(
        records=[each for each in mapped if not isinstance(each, Rejected)],
        rejected=[each for each in mapped if isinstance(each, Rejected)],
        next=state.cursor() if state is not None else {},
        caught_up=caught_up,
        total=total,
        fetched=fetched,
    )
