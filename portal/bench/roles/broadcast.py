"""The floor of the fan-out: the bare `websockets` library, broadcasting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve

from portal.bench.child import Answering
from portal.bench.process import many_sockets, memory


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Questions: `send` {messages: sizes in bytes} -> {at}, `memory`. No compression, as in the portal."""
    many_sockets()
    connected: set[ServerConnection] = set()

    async def stay(connection: ServerConnection) -> None:
        connected.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connected.discard(connection)

    async with serve(stay, "127.0.0.1", 0, compression=None, backlog=2048) as server:
        port = next(iter(server.sockets)).getsockname()[1]

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            match question["do"]:
                case "send":
                    texts = [_text(size) for size in question["messages"]]
                    at = time.monotonic()
                    for text in texts:
                        broadcast(connected, text)
                        await asyncio.sleep(0)
                    return {"at": at, "to": len(connected)}
                case "memory":
                    return {"bytes": memory()}
            return {"port": port, "open": len(connected)}

        yield answer


def _text(size: int) -> str:
    """A message of that many bytes that looks like the portal's."""
    head, tail = '{"type":"part","html":"', '"}'
    return head + "x" * (size - len(head) - len(tail)) + tail
