"""What a platform can say of a stream in a request or two, for the comparison that ends every run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from portal.connectors.answers import Listed


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """`total`: how many rows the platform itself counts (of products those without a parent; nothing in the trash), None where
    it does not count. `listed`: rows changed lately, the newest first, at most a page of them. `requests`: what it took."""

    total: int | None = None
    listed: Mapping[str, Listed] = {}
    requests: int = 0


@runtime_checkable
class Glances(Protocol):
    """A connector that can. The engine compares the others only in full."""

    async def glance(self, stream: str, since: datetime | None) -> Glance | None:
        """The count of `stream`, and with `since` (aware) the rows changed after it. None: the platform says nothing cheap of
        this stream. A few requests at most, never repeated patiently: the next run asks again. Raises `ConnectorError`s."""
        ...
