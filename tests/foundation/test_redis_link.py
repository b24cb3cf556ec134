"""Redis away costs microseconds, never an error, and is noticed when it is back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from portal.foundation.embedded.valkey import Valkey
from portal.foundation.redis_link import AWAY, RedisLink, Script


@pytest.fixture
async def link(valkey: Valkey) -> AsyncIterator[RedisLink]:
    link = RedisLink(valkey.url, "test", pause=0.2)
    yield link
    await link.close()


async def test_values_come_back_and_an_absent_one_is_none(link: RedisLink) -> None:
    assert await link.try_set(link.key("a"), b"1", 10)
    assert await link.try_get("test:a") == b"1"
    assert await link.try_get(link.key("b")) is None
    assert await link.try_delete(link.key("a"))
    assert await link.try_get(link.key("a")) is None


async def test_a_script_is_found_again_after_the_server_forgot_it(link: RedisLink, valkey: Valkey) -> None:
    script = Script("return {KEYS[1], ARGV[1]}")
    assert await link.try_script(script, ["k"], [7]) == [b"k", b"7"]
    await valkey.stop()
    await valkey.start()
    for _ in range(20):
        if (answer := await link.try_script(script, ["k"], [7])) is not AWAY:
            break
        await asyncio.sleep(0.05)
    assert answer == [b"k", b"7"]


async def test_while_redis_is_away_calls_fail_at_once_and_it_is_found_again(link: RedisLink, valkey: Valkey) -> None:
    assert await link.ping()
    await valkey.stop()
    assert await link.try_get("x") is AWAY
    assert not link.available
    began = time.perf_counter()
    for _ in range(1000):
        assert await link.try_get("x") is AWAY
    assert time.perf_counter() - began < 5  # a thousand time-outs of a quarter second would be minutes
    await valkey.start()
    await asyncio.sleep(0.25)
    assert await link.try_get("x") is None
    assert link.available


async def test_a_silent_server_is_given_up_after_the_timeout_and_probed_by_one_call_only() -> None:
    connections = 0

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = RedisLink(f"redis://127.0.0.1:{port}", "test", pause=0.1)
    began = time.perf_counter()
    assert await link.try_get("x") is AWAY
    assert time.perf_counter() - began < 5
    await asyncio.sleep(0.12)
    before = connections
    assert await asyncio.gather(*(link.try_get("x") for _ in range(50))) == [AWAY] * 50
    assert connections == before + 1
    await link.close()
    server.close()


async def test_a_refused_command_does_not_cut_the_link(link: RedisLink) -> None:
    await link.try_set(link.key("text"), "words", 10)
    assert await link.try_command("INCR", link.key("text")) is AWAY
    assert link.available


async def test_an_unreachable_server_is_away_from_the_start() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        link = RedisLink(f"redis://127.0.0.1:{unused.getsockname()[1]}", "test")
    assert not await link.ping()
    assert not await link.try_publish("c", b"m")
    await link.close()
