"""A cached answer is computed once, never older than asked, and bounded in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from portal.foundation.cache import Cache
from portal.foundation.embedded.valkey import Valkey
from portal.foundation.redis_link import RedisLink


class Computation:
    def __init__(self, body: bytes = b"answer", seconds: float = 0.0) -> None:
        self.runs, self._body, self._seconds = 0, body, seconds

    async def __call__(self) -> bytes:
        self.runs += 1
        await asyncio.sleep(self._seconds)
        return self._body


@pytest.fixture
async def link(valkey: Valkey) -> AsyncIterator[RedisLink]:
    link = RedisLink(valkey.url, "test")
    yield link
    await link.close()


async def test_a_thundering_herd_computes_once() -> None:
    cache, compute = Cache(), Computation(seconds=0.05)
    answers = await asyncio.gather(*(cache.get_or_compute("k", 10, compute) for _ in range(500)))
    assert compute.runs == 1
    assert {answer.body for answer in answers} == {b"answer"}
    assert len({answer.etag for answer in answers}) == 1


async def test_the_first_asker_leaving_does_not_spoil_it_for_the_others() -> None:
    cache, compute = Cache(), Computation(seconds=0.05)
    first = asyncio.create_task(cache.get_or_compute("k", 10, compute))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(cache.get_or_compute("k", 10, compute))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).body == b"answer"
    assert compute.runs == 1


async def test_an_answer_older_than_asked_is_computed_anew() -> None:
    cache, compute = Cache(), Computation()
    first = await cache.get_or_compute("k", 10, compute)
    await asyncio.sleep(0.03)
    assert (await cache.get_or_compute("k", 10, compute)) is first
    second = await cache.get_or_compute("k", 0.02, compute)
    assert compute.runs == 2
    assert second.created_at > first.created_at
    assert second.etag == first.etag
    assert second.created_at.tzinfo is not None


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    cache = Cache()

    async def fail() -> bytes:
        await asyncio.sleep(0.01)
        raise ValueError("broken")

    answers = await asyncio.gather(*(cache.get_or_compute("k", 10, fail) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, ValueError) for answer in answers)
    assert (await cache.get_or_compute("k", 10, Computation())).body == b"answer"


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    cache = Cache(max_bytes=10_000)
    for number in range(8):
        await cache.get_or_compute(f"k{number}", 10, Computation(b"x" * 1000))
        cache.peek("k0", 10)
    assert cache.bytes_kept <= 10_000
    assert cache.peek("k0", 10) is not None
    assert cache.peek("k1", 10) is None
    await cache.get_or_compute("huge", 10, Computation(b"x" * 20_000))
    assert cache.peek("huge", 10) is None
    assert cache.peek("k0", 10) is not None


async def test_another_process_finds_the_answer_in_redis_with_its_true_age(link: RedisLink) -> None:
    here, there, compute = Cache(link), Cache(link), Computation()
    first = await here.get_or_compute("k", 10, compute)
    assert await there.get_or_compute("k", 10, compute) == first
    assert compute.runs == 1
    await asyncio.sleep(0.03)
    await Cache(link).get_or_compute("k", 0.02, compute)
    assert compute.runs == 2


async def test_a_forgotten_answer_is_gone_on_both_levels(link: RedisLink) -> None:
    cache, compute = Cache(link), Computation()
    await cache.get_or_compute("k", 10, compute)
    await cache.forget("k")
    await cache.get_or_compute("k", 10, compute)
    assert compute.runs == 2


async def test_redis_away_or_holding_something_else_is_only_a_miss(link: RedisLink, valkey: Valkey) -> None:
    compute = Computation()
    await link.try_set(link.key("cache", "k"), b"something else", 10)
    assert (await Cache(link).get_or_compute("k", 10, compute)).body == b"answer"
    await valkey.stop()
    assert (await Cache(link).get_or_compute("k", 10, compute)).body == b"answer"
    assert compute.runs == 2
