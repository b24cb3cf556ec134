"""One event to many open dashboards: when does the last one have it, and what does an open one cost."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from portal.bench.cached_tile import first_answer, prepare
from portal.bench.child import Child, ChildFailed
from portal.bench.events import Publisher, publisher
from portal.bench.finding import Finding, beside
from portal.bench.plan import Plan
from portal.bench.rounds import in_turn

NAME = "fan-out"
BAR, BAR_KILOBYTES = 3.5, 45.0
PATH = "/ws/dashboard"
PROCESSES = 2
CASES = {"products": "news of stock", "orders": "news of an order"}
QUIET = 1.0  # seconds between events: longer than the hub waits between two renderings


class Servers(NamedTuple):
    """Who sends."""

    portal: Child
    floor: Child


async def measure(plan: Plan) -> None:
    """Milliseconds from the event to the last of 1,000 and of 2,000 clients, and kilobytes per socket."""
    client = await prepare(plan, orders=2_000)
    async with publisher(plan.settings, client.org_id) as news:
        for count in (200,) if plan.quick else (1_000, 2_000):
            # Fresh processes: memory that an earlier crowd left free would flatter the next one.
            server = await plan.child("portal_server", settings=plan.settings.model_dump(mode="json"), unlimited=True)
            await first_answer(server.ready["port"], client.headers)
            floor = await plan.child("broadcast")
            await asyncio.gather(_warm(server, PATH, client.headers, plan), _warm(floor, "/", {}, plan))
            crowds = {
                "portal": [await plan.child("sockets") for _ in range(PROCESSES)],
                "floor": [await plan.child("sockets") for _ in range(PROCESSES)],
            }
            kilobytes = {
                "portal": await _fill(server, crowds["portal"], count, PATH, client.headers),
                "floor": await _fill(floor, crowds["floor"], count, "/", {}),
            }
            await _compare(plan, Servers(server, floor), crowds, news, count)
            plan.found(_memory(count, kilobytes))
            await plan.dismiss()


async def _compare(plan: Plan, servers: Servers, crowds: dict[str, list[Child]], news: Publisher, count: int) -> None:
    for kinds, case in CASES.items():
        # How many messages an event makes, and how large they are, is the portal's affair: the floor sends the same.
        messages = await _messages(crowds["portal"], news, kinds)

        async def ours(kinds: str = kinds, wanted: int = len(messages)) -> float:
            await _expect(crowds["portal"], wanted)
            at = await news.publish([kinds])
            last = await _last(crowds["portal"])
            await asyncio.sleep(QUIET)
            return (last - at) * 1000

        async def theirs(messages: list[int] = messages) -> float:
            await _expect(crowds["floor"], len(messages))
            said = await servers.floor.ask(do="send", messages=messages)
            if said["to"] != count:
                raise ChildFailed(f"the floor has {said['to']} of {count} clients")
            return (await _last(crowds["floor"]) - float(said["at"])) * 1000

        rounds = plan.size(9, 3)
        mine, bare = await in_turn(rounds, ours, theirs)
        sizes = " + ".join(f"{size:,}" for size in messages)
        sample = f"{rounds} events in turn, {count:,} clients in {PROCESSES} processes, messages of {sizes} bytes"
        plan.found(beside(NAME, f"last of {count:,}, {case}", "ms", mine, bare, bar=BAR, sample=sample))
        if plan.profile:
            await servers.portal.ask(do="profile")
            for _ in range(5):
                await ours()
            plan.keep_profile(f"{NAME} {count}, {case}", (await servers.portal.ask(do="profiled"))["lines"])


async def _messages(crowds: list[Child], news: Publisher, kinds: str) -> list[int]:
    """The sizes of what one event makes. On a busy machine the hub may send it twice, so the smallest of three counts."""
    seen: list[list[int]] = []
    for _ in range(3):
        await _expect(crowds, 1_000_000)
        await news.publish([kinds])
        await asyncio.sleep(2 * QUIET)
        seen.append((await crowds[0].ask(do="sizes"))["sizes"])
    if not (sizes := min(seen, key=len)):
        raise ChildFailed(f"nothing was pushed for news of {kinds}")
    return sizes


async def _warm(server: Child, path: str, headers: dict[str, str], plan: Plan) -> None:
    """What is imported and filled only once is no socket's cost."""
    few = await plan.child("sockets")
    await few.ask(do="open", port=server.ready["port"], path=path, headers=headers, count=10)
    await few.stop()
    plan.children.remove(few)


async def _fill(server: Child, crowds: list[Child], count: int, path: str, headers: dict[str, str]) -> float:
    """Open `count` clients; gives kilobytes of the server's memory for each."""
    before = (await server.ask(do="memory"))["bytes"]
    share = [count // len(crowds)] * len(crowds)
    await asyncio.gather(
        *(
            crowd.ask(do="open", port=server.ready["port"], path=path, headers=headers, count=part)
            for crowd, part in zip(crowds, share, strict=True)
        )
    )
    await asyncio.sleep(1)
    return float((await server.ask(do="memory"))["bytes"] - before) / 1024 / count


async def _expect(crowds: list[Child], messages: int) -> None:
    await asyncio.gather(*(crowd.ask(do="expect", messages=messages) for crowd in crowds))


async def _last(crowds: list[Child]) -> float:
    return max(float(answer["last"]) for answer in await asyncio.gather(*(crowd.ask(do="wait") for crowd in crowds)))


def _memory(count: int, kilobytes: dict[str, float]) -> Finding:
    return Finding(
        bench=NAME,
        case=f"memory per socket of {count:,}",
        unit="KB",
        ours=kilobytes["portal"],
        floor=kilobytes["floor"],
        bar=BAR_KILOBYTES,
        sample="resident memory of the server's process after less before, by the number of sockets",
    )
