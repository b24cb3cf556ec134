"""An open dashboard says by itself when a store stops answering."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from portal.dashboard.hub import Hub
from portal.dashboard.socket import Socket
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime


async def test_the_tiles_are_drawn_again_when_the_stores_standing_changed_and_only_then(rt: Runtime, org: UUID) -> None:
    class Serving:
        mark = "well"

        async def standing(self, org_id: UUID, store: int | None = None) -> Any:
            return self

        class versions:
            @staticmethod
            async def on_event(event: Event) -> None: ...

    serving = Serving()
    hub = Hub(rt, None, serving, ())  # type: ignore[arg-type]
    marked: list[set[str]] = []
    hub._rooms[org] = {Socket(org, None, None)}
    hub._mark = lambda org_id, kinds: marked.append(kinds)  # type: ignore[method-assign]
    for mark in ("well", "well", "ill", "ill", "well"):
        serving.mark = mark
        await hub.on_event(Event(org, "progress", 0, {"connection_id": 1}))
        await asyncio.gather(*hub._tasks)
    assert marked == [{"*"}, {"*"}]
