"""Events reach every process once; a hole in them is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from portal.foundation.bus import Bus, Event
from portal.foundation.embedded.valkey import Valkey
from portal.foundation.redis_link import RedisLink

ORG = uuid4()


class Process:
    """What one process of the portal has: its link, its bus, and here a record of what it heard."""

    def __init__(self, url: str) -> None:
        self.link = RedisLink(url, "test", pause=0.1)
        self.bus = Bus(self.link)
        self.heard: list[int] = []
        self.gaps = 0

    async def listen(self) -> None:
        self.bus.subscribe(self._hear, self._gap)
        await self.bus.start()

    async def say(self, version: int) -> None:
        await self.bus.publish(Event(ORG, "data", version, {"kinds": ["orders"]}))

    async def _hear(self, event: Event) -> None:
        assert event.org_id == ORG
        assert event.payload == {"kinds": ["orders"]}
        self.heard.append(event.version)

    async def _gap(self) -> None:
        self.gaps += 1

    async def close(self) -> None:
        await self.bus.close()
        await self.link.close()


@pytest.fixture
async def two(valkey: Valkey) -> AsyncIterator[tuple[Process, Process]]:
    first, second = Process(valkey.url), Process(valkey.url)
    await first.listen()
    await second.listen()
    yield first, second
    await first.close()
    await second.close()


async def until(condition: Callable[[], bool], seconds: float = 6.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_every_process_hears_an_event_once_and_in_order(two: tuple[Process, Process]) -> None:
    first, second = two
    await asyncio.gather(*(first.say(number) for number in range(50)))
    await until(lambda: len(second.heard) == 50)
    await asyncio.sleep(0.1)
    assert first.heard == second.heard == list(range(50))
    assert first.gaps == second.gaps == 0


async def test_without_redis_the_own_process_still_hears_and_the_other_is_told_of_the_gap(
    two: tuple[Process, Process], valkey: Valkey
) -> None:
    first, second = two
    await first.say(1)
    await until(lambda: second.heard == [1])
    await valkey.stop()
    await first.say(2)
    await until(lambda: first.heard == [1, 2])
    assert second.heard == [1]
    await valkey.start()
    await until(lambda: second.gaps > 0 and first.bus.listening and second.bus.listening)
    while not first.link.available:
        await first.link.ping()
        await asyncio.sleep(0.02)
    await first.say(3)
    await until(lambda: second.heard == [1, 3])
    assert first.heard == [1, 2, 3]


async def test_a_publisher_cut_off_alone_tells_of_its_gap_when_it_is_back(valkey: Valkey) -> None:
    listener, publisher = Process(valkey.url), Process("unix:///nowhere/redis.sock")
    await listener.listen()
    await publisher.say(1)
    whole = RedisLink(valkey.url, "test")
    publisher.bus._link = whole
    await until(lambda: listener.gaps == 1)
    assert listener.heard == []
    await publisher.close()
    await listener.close()
    await whole.close()


async def test_a_hole_in_the_numbers_is_a_gap_even_before_the_notice(
    two: tuple[Process, Process],
) -> None:
    first, second = two
    await first.say(1)
    await until(lambda: second.heard == [1])
    first.bus._sequence += 1  # an event that was lost on its way
    await first.say(3)
    await until(lambda: second.heard == [1, 3])
    await until(lambda: second.gaps == 1)


async def test_a_failing_or_slow_handler_stops_nobody(two: tuple[Process, Process]) -> None:
    first, second = two

    async def fail(event: Event) -> None:
        raise ValueError("broken")

    async def hang(event: Event) -> None:
        await asyncio.sleep(3600)

    second.bus.subscribe(fail)
    second.bus.subscribe(hang)
    for number in range(3):
        await first.say(number)
    await until(lambda: second.heard == [0, 1, 2])


async def test_after_unsubscribing_nothing_is_heard(two: tuple[Process, Process]) -> None:
    first, second = two
    heard: list[Event] = []

    async def hear(event: Event) -> None:
        heard.append(event)

    second.bus.subscribe(hear)()
    await first.say(1)
    await until(lambda: second.heard == [1])
    assert heard == []


async def test_one_process_holds_one_subscription(two: tuple[Process, Process]) -> None:
    first, _ = two
    for _ in range(5):
        first.bus.subscribe(first._hear)
    assert await first.link.try_command("PUBSUB", "NUMPAT") == 1
    assert await first.link.try_command("PUBLISH", first.link.key("events", "x"), b"") == 2


async def test_an_unreadable_message_is_a_gap_not_an_end(two: tuple[Process, Process]) -> None:
    first, second = two
    await first.link.try_publish(first.link.key("events", "x"), b"\xc1 not ours")
    await until(lambda: second.gaps == 1)
    await first.say(1)
    await until(lambda: second.heard == [1])
