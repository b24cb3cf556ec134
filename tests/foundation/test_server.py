"""The web server: no deflate, a clear word about ports, an end that lets open work finish, an access log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
import pytest
from websockets.asyncio.client import connect

from portal.foundation.errors import StartupError
from portal.foundation.server import listen

ROOT = Path(__file__).parents[2]


class Web:
    """The web process in miniature, on a port of its own."""

    def __init__(self, log: Path) -> None:
        bound = listen("127.0.0.1", 0)
        self.port: int = bound.getsockname()[1]
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("serving_child.py")), str(bound.fileno())],
                env={**os.environ, "PYTHONPATH": str(ROOT), "PORTAL_LOG_FORMAT": "json"},
                pass_fds=[bound.fileno()],
                stderr=out,
            )
        bound.close()

    async def until_it_answers(self) -> None:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise AssertionError("the server did not start")


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    found = Web(tmp_path / "web.log")
    try:
        await found.until_it_answers()
        yield found
    finally:
        found.process.kill()
        found.process.wait()


async def test_the_handshake_offers_no_deflate_though_browsers_ask_for_it(web: Web) -> None:
    async with connect(f"ws://127.0.0.1:{web.port}/ws", compression="deflate") as socket:
        assert "permessage-deflate" in socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        assert await socket.recv() == "hello"


async def test_an_open_socket_costs_little_memory(web: Web) -> None:
    url, count = f"ws://127.0.0.1:{web.port}/ws", 200
    process = psutil.Process(web.process.pid)
    async with connect(url) as first:
        await first.recv()
        before = process.memory_info().rss
        sockets = await asyncio.gather(*(connect(url, compression="deflate") for _ in range(count)))
        await asyncio.gather(*(socket.recv() for socket in sockets))
        each = (process.memory_info().rss - before) / count
        await asyncio.gather(*(socket.close() for socket in sockets))
    assert each < 60_000, f"{each:.0f} bytes per socket"


async def test_a_stop_lets_an_open_request_finish(web: Web) -> None:
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(session.get(f"http://127.0.0.1:{web.port}/slow/1"))
        await asyncio.sleep(0.3)
        web.process.send_signal(signal.SIGTERM)
        answer = await asking
        assert await answer.text() == "done"
    assert await asyncio.to_thread(web.process.wait, 10) == 0


async def test_the_access_log_names_path_status_and_time_but_no_query(web: Web) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"http://127.0.0.1:{web.port}/slow/0?consumer_key=ck_0123456789abcdef")
        await session.get(f"http://127.0.0.1:{web.port}/nowhere")
    web.process.send_signal(signal.SIGTERM)  # a line is written after its answer
    await asyncio.to_thread(web.process.wait, 10)
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]
    requests = [(line["path"], line["status"]) for line in lines if line["event"] == "request"]
    assert ("/slow/0", 200) in requests
    assert ("/nowhere", 404) in requests
    assert "0123456789abcdef" not in web.log.read_text()


async def test_the_access_log_gives_a_socket_the_id_that_the_gate_gave_it(web: Web) -> None:
    async with connect(f"ws://127.0.0.1:{web.port}/ws") as socket:
        await socket.recv()
    web.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(web.process.wait, 10)
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]
    assert [(line["method"], line["request_id"]) for line in lines if line["event"] == "request"] == [
        ("WS", "socket-1")
    ]


def test_a_port_in_use_is_told_with_the_way_out() -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.listen()
        with pytest.raises(StartupError, match=rf"Port {bound.getsockname()[1]} on 127.0.0.1 is in use .*--port"):
            listen("127.0.0.1", bound.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(StartupError, match="choose an address of this machine"):
        listen("192.0.2.1", 8000)


async def test_an_answer_after_sigterm_says_that_its_connection_ends(web: Web) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{web.port}/slow/0") as before:
            assert "Connection" not in before.headers
        asking = asyncio.create_task(session.get(f"http://127.0.0.1:{web.port}/slow/0.6"))
        await asyncio.sleep(0.2)
        web.process.send_signal(signal.SIGTERM)
        async with await asking as answer:
            assert await answer.text() == "done"
            assert answer.headers["Connection"] == "close"
