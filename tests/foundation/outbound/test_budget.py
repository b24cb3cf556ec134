"""Processes share a store's budget; without Redis each keeps its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from portal.foundation.embedded.valkey import Valkey
from portal.foundation.errors import RateLimited
from portal.foundation.outbound import Budget, OutboundClient, RetryPolicy
from portal.foundation.outbound.budget import Budgets
from portal.foundation.redis_link import RedisLink

from .conftest import Store


@pytest.fixture
async def link(valkey: Valkey) -> AsyncIterator[RedisLink]:
    link = RedisLink(valkey.url, "test", pause=0.05)
    yield link
    await link.close()


async def test_a_burst_goes_at_once_and_the_rest_in_step(link: RedisLink) -> None:
    one, other = Budgets(link), Budgets(link)
    budget = Budget("store:1", rate_per_second=10, burst=3)
    waits = [(await (one if n % 2 else other).take(budget, 60)).wait for n in range(7)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3:] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.05)


async def test_a_turn_too_far_away_is_refused_and_takes_nothing(link: RedisLink) -> None:
    budgets, budget = Budgets(link), Budget("store:1", rate_per_second=0.01, burst=1)
    assert (await budgets.take(budget, 60)).granted
    for _ in range(3):
        turn = await budgets.take(budget, 60)
        assert not turn.granted
        assert turn.wait == pytest.approx(100, abs=1)


async def test_stores_do_not_share(link: RedisLink) -> None:
    budgets = Budgets(link)
    assert (await budgets.take(Budget("store:1", 0.01), 0)).granted
    assert (await budgets.take(Budget("store:2", 0.01), 0)).granted


async def test_without_redis_the_own_bucket_serves_and_it_is_logged_once(link: RedisLink, valkey: Valkey) -> None:
    await valkey.stop()
    budgets, budget = Budgets(link), Budget("store:1", rate_per_second=10, burst=2)
    with capture_logs() as logs:
        waits = [(await budgets.take(budget, 60)).wait for _ in range(4)]
    assert waits == pytest.approx([0, 0, 0.1, 0.2], abs=0.03)
    assert [log["event"] for log in logs].count("outbound_budget_degraded") == 1


async def test_requests_of_two_processes_keep_one_pace(store: Store, link: RedisLink) -> None:
    clients = [OutboundClient([f"127.0.0.1:{store.port}"], redis_link=link) for _ in range(2)]
    budget = Budget("store:1", rate_per_second=20, burst=1)
    began = time.perf_counter()
    await asyncio.gather(*(clients[n % 2].request("GET", store.url, budget=budget) for n in range(11)))
    assert 0.45 <= time.perf_counter() - began < 10
    for client in clients:
        await client.close()


async def test_a_used_up_budget_tells_when_to_come_back(store: Store, link: RedisLink) -> None:
    client, budget = OutboundClient([f"127.0.0.1:{store.port}"], redis_link=link), Budget("store:1", 0.001)
    await client.request("GET", store.url, budget=budget)
    with pytest.raises(RateLimited) as caught:
        await client.request("GET", store.url, budget=budget, retries=RetryPolicy(deadline=5))
    assert caught.value.retry_after == pytest.approx(1000, abs=2)
    assert store.connections == 1
    await client.close()
