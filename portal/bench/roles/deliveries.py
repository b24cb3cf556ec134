"""Stores that deliver webhooks at a given rate, whatever the answers take: what comes late is counted from when it was due."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from portal.bench.child import Answering
from portal.bench.process import many_sockets
from portal.connectors.woocommerce import webhooks
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.order_json import order_json

_END = b"\r\n\r\n"
_TOPIC = "order.updated"
ORDERS = 50
"""Of each store: every one of them is told of again and again, each time newer."""


class Round:
    """What all couriers share: who is free, and what they were told."""

    def __init__(self) -> None:
        self.free: asyncio.Queue[Courier] = asyncio.Queue()
        self.begin(0)

    def begin(self, wanted: int) -> None:
        """Forget what was told before; `over` is set after `wanted` answers."""
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.wanted, self.over = wanted, asyncio.Event()

    def told(self, status: str, took: float) -> None:
        self.statuses[status] += 1
        self.times.append(took)
        if len(self.times) == self.wanted:
            self.over.set()


class Courier(asyncio.Protocol):
    """One keep-alive connection; free again when its answer is there."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._due = 0.0
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._round.free.put_nowait(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if _END not in self._buffer:
            return
        status, self._buffer = self._buffer[9:12].decode(), b""
        self._round.told(status, time.perf_counter() - self._due)
        self._round.free.put_nowait(self)


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: port, connections, doors: of each store its path and secret. Question: {per_second, seconds}."""
    many_sockets()
    going, loop, port = Round(), asyncio.get_running_loop(), setup["port"]
    for _ in range(setup["connections"]):
        await loop.create_connection(lambda: Courier(going), "127.0.0.1", port)

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "ready":
            return {}
        made = deliveries(setup["doors"], port, int(question["per_second"] * question["seconds"]))
        going.begin(len(made))
        began = time.perf_counter()
        for number, request in enumerate(made):
            due = began + number / question["per_second"]
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            (await going.free.get()).send(request, due)
        await going.over.wait()
        taken = sorted(going.times)
        return {
            "seconds": time.perf_counter() - began,
            "statuses": going.statuses,
            "p50_ms": taken[len(taken) // 2] * 1e3,
            "p99_ms": taken[len(taken) * 99 // 100] * 1e3,
            "bytes": len(made[0]),
        }

    yield answer


def deliveries(doors: list[dict[str, str]], port: int, count: int) -> list[bytes]:
    """`count` signed deliveries, the stores in turn; the note of an order is the number of its delivery."""
    store = Store(SandboxStoreSpec(name="deliveries", seed=7, orders=200))
    bodies = [order_json(store, row) for row in sorted(store.orders.values(), key=lambda each: each.id)[:ORDERS]]
    first, made = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=count), []
    for number in range(count):
        door = doors[number % len(doors)]
        order = bodies[number // len(doors) % ORDERS]
        order["customer_note"] = str(number)
        order["date_modified_gmt"] = (first + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S")
        body = msgspec.json.encode(order)
        given = {**webhooks.trial(_TOPIC, body, door["secret"], {}), "Content-Length": str(len(body))}
        head = [f"POST {door['path']} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in given.items())]
        made.append("\r\n".join([*head, "", ""]).encode() + body)
    return made
