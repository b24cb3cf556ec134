"""The requests of a sync, made again by a bare client that only downloads: what no reader of that store could beat."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import ClientSession, DummyCookieJar

from portal.foundation.outbound import OutboundClient

_PIECE = 1 << 16


class Overheard:
    """Remembers what `outbound` sends, in order."""

    def __init__(self, outbound: OutboundClient) -> None:
        self._requests: list[Any] = []
        send = outbound._send

        async def remembered(request: Any) -> Any:
            self._requests.append(request)
            return await send(request)

        outbound._send = remembered  # type: ignore[method-assign]

    def forget(self) -> None:
        self._requests.clear()

    async def again(self) -> dict[str, Any]:
        """Ask for the same things, one after the other; `seconds`, `bytes`, how many, and how many were refused."""
        size = refused = 0
        began = time.perf_counter()
        async with ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False) as session:
            for each in self._requests:
                async with session.request(each.method, each.address, headers=each.headers, data=each.body) as answer:
                    refused += answer.status >= 400
                    async for piece in answer.content.iter_chunked(_PIECE):
                        size += len(piece)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "bytes": size, "requests": len(self._requests), "refused": refused}
