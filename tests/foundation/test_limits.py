"""A limit holds over all processes, costs microseconds, and survives Redis being away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from portal.foundation.embedded.valkey import Valkey
from portal.foundation.limits import Limiter
from portal.foundation.redis_link import AWAY, RedisLink


@pytest.fixture
async def link(valkey: Valkey) -> AsyncIterator[RedisLink]:
    link = RedisLink(valkey.url, "test", timeout=5.0, pause=0.1)  # a busy machine is not an absent Redis
    yield link
    await link.close()


@pytest.fixture(autouse=True)
async def room_in_the_minute() -> None:
    """Counting is by the clock's minute: begin with some of it left."""
    if (into := time.time() % 60) > 56:
        await asyncio.sleep(60.05 - into)


async def allowed(limiter: Limiter, tries: int, limit: int, principal: str = "p") -> int:
    states = await asyncio.gather(*(limiter.hit(principal, "dashboard", limit) for _ in range(tries)))
    return sum(state.allowed for state in states)


@pytest.mark.parametrize("limit", [1, 5, 10, 60, 100])
async def test_one_process_gets_exactly_the_limit(link: RedisLink, limit: int) -> None:
    assert await allowed(Limiter(link), limit + 50, limit) == limit


async def test_the_remaining_count_and_the_reset_are_told(link: RedisLink) -> None:
    limiter = Limiter(link)
    states = [await limiter.hit("p", "export", 10) for _ in range(11)]
    assert [state.remaining for state in states] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [state.allowed for state in states] == [True] * 10 + [False]
    assert all(0 < state.reset_seconds <= 60 for state in states)


async def test_processes_share_one_limit_and_never_exceed_it(link: RedisLink) -> None:
    one, other = Limiter(link), Limiter(link)
    passed = sum(await asyncio.gather(allowed(one, 80, 60), allowed(other, 80, 60)))
    assert passed == 60


async def test_uneven_processes_never_exceed_the_limit_together(link: RedisLink) -> None:
    limiters = [Limiter(link) for _ in range(5)]
    passed = 0
    for number in range(400):
        passed += (await limiters[number * number % 5].hit("p", "dashboard", 60)).allowed
    assert 40 <= passed <= 60


async def test_principals_and_families_have_limits_of_their_own(link: RedisLink) -> None:
    limiter = Limiter(link)
    assert await allowed(limiter, 20, 10, "p") == 10
    assert await allowed(limiter, 20, 10, "q") == 10
    assert (await limiter.hit("p", "export", 10)).allowed


async def test_a_leased_hit_asks_nobody(link: RedisLink, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter(link)
    await limiter.hit("p", "dashboard", 600_000)
    asked: list[object] = []

    async def script(*arguments: object) -> object:
        asked.append(arguments)
        return AWAY

    monkeypatch.setattr(link, "try_script", script)
    for _ in range(5000):
        assert (await limiter.hit("p", "dashboard", 600_000)).allowed
    assert asked == []


async def test_without_redis_each_process_keeps_the_limit_for_itself(valkey: Valkey, link: RedisLink) -> None:
    await valkey.stop()
    assert await allowed(Limiter(link), 100, 60) == 60


async def test_redis_going_away_within_a_minute_gives_no_second_helping(valkey: Valkey, link: RedisLink) -> None:
    limiter = Limiter(link)
    before = await allowed(limiter, 45, 60)
    await valkey.stop()
    assert before + await allowed(limiter, 100, 60) == 60


async def test_when_redis_is_back_the_limit_is_shared_again(valkey: Valkey, link: RedisLink) -> None:
    one, other = Limiter(link), Limiter(link)
    await valkey.stop()
    assert await allowed(one, 5, 60) == 5
    await valkey.start()
    while not link.available:
        await link.ping()
        await asyncio.sleep(0.02)
    passed = sum(await asyncio.gather(allowed(one, 80, 60), allowed(other, 80, 60)))
    assert passed <= 60 + 10


async def test_a_cancelled_request_does_not_spoil_the_lease_for_others(link: RedisLink) -> None:
    limiter = Limiter(link)
    first = asyncio.create_task(limiter.hit("p", "dashboard", 60))
    await asyncio.sleep(0)
    second = asyncio.create_task(limiter.hit("p", "dashboard", 60))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).allowed


async def test_a_new_minute_gives_the_limit_anew(link: RedisLink) -> None:
    limiter = Limiter(link)
    assert await allowed(limiter, 20, 10) == 10
    limiter._leases["p", "dashboard", 10].ends = 0.0  # the minute is over here,
    await link.try_delete(link.key("limit", "dashboard", "p"))  # and there
    assert await allowed(limiter, 20, 10) == 10
