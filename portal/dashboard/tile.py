"""What a tile is. One frozen declaration in `tiles/<slug>.py` gives the page, the HTMX partial, the WebSocket push,
the documented JSON route and the CSV. `docs/adding-a-tile.md` walks through one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from portal.foundation.web.policy import DASHBOARD, Family


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tile without query parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a tile's `fetch` found: `body` is exactly the documented JSON; `more` is only for the drawn tile.

    `empty` is True when the source answers but there is nothing to show yet. What is costly and only drawn belongs into
    the tile's `draw`, or into `fetch_drawn` when it comes with the same statement.
    """

    body: msgspec.Struct
    more: dict[str, Any] = field(default_factory=dict)
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of the page that the tile draws: its id and the template that renders exactly that element.

    `proof_streams` are the streams of which this element's numbers are made, where those are not the tile's.
    """

    id: str
    template: str
    proof_streams: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile. `fetch` gets a read-only connection under the tenant; `refresh_on` are the kinds of data that move it.

    `max_age` is in seconds (a maximum: a newer data version is never answered from the cache). `csv` turns the body into
    a header and rows. `behind` is the page with the rows behind the numbers. `proof_streams` are the streams the numbers
    are made of: the corner says how many rows of the first one are reconciled with the stores, when all of them are. An element
    made of others names its own.
    `of_today`: the numbers are today's, so that nothing is known where every source has ended (files).
    """

    slug: str
    title: str
    path: str
    summary: str
    source: tuple[str, ...]
    response: type[msgspec.Struct]
    fetch: Callable[[Any, Any], Awaitable[Reading]]
    elements: tuple[Element, ...]
    csv: Callable[[Any], tuple[Sequence[str], Sequence[Sequence[Any]]]]
    behind: str
    example: dict[str, Any]
    order: int
    max_age: int
    metrics: tuple[str, ...]
    refresh_on: frozenset[str]
    query: type[msgspec.Struct] = NoQuery
    fetch_drawn: Callable[[Any, Any], Awaitable[Reading]] | None = None  # in place of `fetch`, to draw the tile
    draw: Callable[[Any, Reading], Awaitable[dict[str, Any]]] | None = None  # more `more`, asked only to draw the tile
    proof_streams: tuple[str, ...] = ()
    of_today: bool = False
    roles: frozenset[str] = DASHBOARD
    family: Family = "dashboard"

    def proven(self, element: Element) -> tuple[str, ...]:
        """The streams whose comparison with the stores the corner of `element` tells, the counted one first."""
        return self.proof_streams if element.proof_streams is None else element.proof_streams
