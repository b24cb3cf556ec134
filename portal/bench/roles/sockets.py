"""Many WebSocket clients in one process, as cheap as can be: what they cost must not be taken for the server's."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from portal.bench.child import Answering
from portal.bench.process import many_sockets

_END = b"\r\n\r\n"
_PART = b'{"type":"part"'
_TEXT, _PING = 0x81, 0x89
_MASKED = 0x80  # by zeros, which leaves the payload as it is
_AT_ONCE = 32


class Crowd:
    """What all clients of a process wait for together: `wanted` messages each."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.times: list[float] = []
        self.sizes: list[int] = []
        self.wanted = 0
        self.done: asyncio.Future[None] | None = None

    def expect(self, wanted: int) -> None:
        """Begin to wait for `wanted` messages on every client."""
        self.wanted, self.times, self.sizes = wanted, [], []
        for client in self.clients:
            client.heard = 0
        self.done = asyncio.get_running_loop().create_future()

    def complete(self, at: float) -> None:
        """One client has all its messages, at this moment of the machine's monotonic clock."""
        self.times.append(at)
        if len(self.times) == len(self.clients) and self.done is not None and not self.done.done():
            self.done.set_result(None)


class Client(asyncio.Protocol):
    """One connection: the handshake, then unmasked text frames of the server."""

    def __init__(self, crowd: Crowd, hello: bytes) -> None:
        self._crowd, self._hello = crowd, hello
        self._buffer, self._upgraded = b"", False
        self.heard = 0
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            end = buffer.find(_END)
            if end < 0:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self._refused(buffer[:end].split(b"\r\n", 1)[0].decode("latin1"))
                return
            self._upgraded, buffer = True, buffer[end + len(_END) :]
            self.open.set_result(None)
        at = 0
        while (found := _frame(buffer, at)) is not None:
            kind, begin, at = found
            if kind == _TEXT and buffer.startswith(_PART, begin):
                self._hear(at - begin)
            elif kind == _PING:
                self.transport.write(bytes((0x8A, _MASKED | (at - begin), 0, 0, 0, 0)) + buffer[begin:at])
        self._buffer = buffer[at:]

    def _hear(self, size: int) -> None:
        self.heard += 1
        if self is self._crowd.clients[0]:
            self._crowd.sizes.append(size)
        if self.heard == self._crowd.wanted:
            self._crowd.complete(time.monotonic())

    def _refused(self, why: str) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionError(why))

    def connection_lost(self, error: Exception | None) -> None:
        self._refused("closed before it was open")
        done = self._crowd.done
        if done is not None and not done.done():
            done.set_exception(ConnectionError("the server closed a WebSocket"))


def _frame(buffer: bytes, at: int) -> tuple[int, int, int] | None:
    """First byte, begin and end of the frame at `at`; None when it has not arrived whole."""
    if len(buffer) < at + 2:
        return None
    length, begin = buffer[at + 1], at + 2
    if length == 126:
        length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
    elif length == 127:
        length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
    return (buffer[at], begin, begin + length) if len(buffer) >= begin + length else None


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Questions: `open` {port, path, headers, count}, `expect` {messages}, `wait` -> {last, sizes},
    `sizes`. Sizes are those of the messages that the first client has heard since `expect`."""
    many_sockets()
    crowd = Crowd()

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        match question["do"]:
            case "open":
                await _open(crowd, question)
            case "expect":
                crowd.expect(question["messages"])
            case "wait" if crowd.done is not None:
                async with asyncio.timeout(60):
                    await crowd.done
                crowd.done = None
                times = sorted(crowd.times)
                return {"last": times[-1], "sizes": crowd.sizes}
            case "sizes":
                return {"sizes": crowd.sizes}
        return {"open": len(crowd.clients)}

    yield answer
    _close(crowd)


async def _open(crowd: Crowd, wanted: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_AT_ONCE)
    port = wanted["port"]
    extra = "".join(f"{name}: {value}\r\n" for name, value in wanted["headers"].items())

    async def one() -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        hello = (
            f"GET {wanted['path']} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n"
        ).encode()
        async with gate, asyncio.timeout(60):
            _, client = await loop.create_connection(lambda: Client(crowd, hello), "127.0.0.1", port)
            await client.open
        crowd.clients.append(client)

    await asyncio.gather(*(one() for _ in range(wanted["count"])))


def _close(crowd: Crowd) -> None:
    crowd.done = None
    for client in crowd.clients:
        client.transport.abort()
    crowd.clients.clear()
