"""A live part: what to render and push when something happens in an organization."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Part:
    """On an event whose kind is in `kinds`, `render` gives (element id, html) pairs for every open page of the organization."""

    kinds: frozenset[str]
    render: Callable[[Runtime, Event], Awaitable[Sequence[tuple[str, str]]]]
