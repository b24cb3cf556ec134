"""A closed-loop HTTP client that costs little: every connection asks again as soon as it has its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from portal.bench.child import Answering
from portal.bench.process import many_sockets

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Asker(asyncio.Protocol):
    """One keep-alive connection. `times` are seconds per answer; `wrong` counts other statuses than 200."""

    def __init__(self, asking: bytes) -> None:
        self._asking, self._buffer = asking, b""
        self._running = False
        self._asked_at = 0.0
        self.times: list[float] = []
        self.wrong = self.length = 0
        self.idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle.set_result(None)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def start(self) -> None:
        """Ask until `stop`."""
        self._running = True
        self.times = []
        self.idle = asyncio.get_running_loop().create_future()
        self._ask()

    def stop(self) -> None:
        """No further question after the answer that is under way; `idle` is done then."""
        self._running = False

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        self.transport.write(self._asking)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(_END)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + len(_END) + length:
            return
        self.times.append(time.perf_counter() - self._asked_at)
        if self._buffer[9:12] != b"200":
            self.wrong += 1
        self.length, self._buffer = length, b""
        if self._running:
            self._ask()
        elif not self.idle.done():
            self.idle.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.idle.done():
            self.idle.set_exception(ConnectionError("the server closed a connection"))


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: host, port, connections, and `sides`: name -> {path, headers}. Question: {side, seconds}."""
    many_sockets()
    loop = asyncio.get_running_loop()
    sides: dict[str, list[Asker]] = {}
    for name, wanted in setup["sides"].items():
        lines = [f"GET {wanted['path']} HTTP/1.1", f"Host: {setup['host']}:{wanted['port']}"]
        lines += [f"{key}: {value}" for key, value in wanted["headers"].items()]
        asking = "\r\n".join([*lines, "", ""]).encode()
        sides[name] = []
        for _ in range(setup["connections"]):
            _, asker = await loop.create_connection(lambda asking=asking: Asker(asking), setup["host"], wanted["port"])  # type: ignore[misc]
            sides[name].append(asker)

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "ready":
            return {}
        return await _ask(sides[question["side"]], question["seconds"])

    yield answer
    for asker in [asker for askers in sides.values() for asker in askers]:
        asker.transport.close()


async def _ask(askers: list[Asker], seconds: float) -> dict[str, Any]:
    """Let them all ask for `seconds`; answers per second, and percentiles of the time per answer in microseconds."""
    before = time.perf_counter()
    for asker in askers:
        asker.start()
    await asyncio.sleep(seconds)
    for asker in askers:
        asker.stop()
    await asyncio.gather(*(asker.idle for asker in askers))
    took = time.perf_counter() - before
    times = sorted(value for asker in askers for value in asker.times)
    return {
        "answers": len(times),
        "per_second": len(times) / took,
        "p50_us": times[len(times) // 2] * 1e6,
        "p99_us": times[len(times) * 99 // 100] * 1e6,
        "wrong": sum(asker.wrong for asker in askers),
        "length": askers[0].length,
    }
