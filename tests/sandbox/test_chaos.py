"""Chaos deals what its seed says, changes the store meanwhile, tells what it dealt, and can be steered and stopped."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from portal.sandbox import Sandbox, SandboxStoreSpec, WebhookSpec
from portal.sandbox.altered import altered
from portal.sandbox.asking import BadControl
from portal.sandbox.chaos.kinds import DELIVERIES, weights
from portal.sandbox.chaos.schedule import Schedule
from portal.sandbox.spec import PLATFORMS
from portal.sandbox.truth import truth

NAMES = {"woocommerce": "shop", "shopify": "boutique", "amazon": "seller"}


def specs() -> list[SandboxStoreSpec]:
    return [SandboxStoreSpec(NAMES[each], platform=each, orders=40, seed=3) for each in PLATFORMS]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_same_seed_deals_the_same_and_another_seed_something_else(platform: str) -> None:
    def plan(seed: int, name: str = "shop") -> list[Any]:
        schedule = Schedule(seed, name, weights(platform))
        return [schedule.fault(number, 0.5) for number in range(600)]

    assert plan(7) == plan(7)
    assert plan(7) != plan(8)
    assert plan(7) != plan(7, "other"), "each store has weather of its own"


def test_every_kind_is_dealt_and_calm_phases_let_the_reader_through() -> None:
    for platform in PLATFORMS:
        schedule = Schedule(5, "shop", weights(platform))
        dealt = Counter(found[0] for number in range(6_000) if (found := schedule.fault(number, 0.6)))
        assert set(dealt) == set(weights(platform))
    stormy = [schedule.is_stormy(number) for number in range(6_000)]
    assert 0.2 < sum(stormy) / len(stormy) < 0.6
    assert not any(stormy[:3]), "it begins calmly"
    faults = [schedule.fault(number, 0.6) is not None for number in range(6_000)]
    calm = [hit for hit, storm in zip(faults, stormy, strict=True) if not storm]
    assert sum(calm) / len(calm) < 0.1
    fates = Counter(schedule.delivery(number, 0.9)[0] for number in range(500))
    assert set(fates) == {*DELIVERIES, ""}


def test_the_plan_does_not_depend_on_the_order_in_which_it_is_asked() -> None:
    forward, backward = (Schedule(3, "shop", weights("shopify")) for _ in range(2))
    ahead = [forward.is_stormy(number) for number in range(200)]
    assert [backward.is_stormy(number) for number in reversed(range(200))] == ahead[::-1]


async def test_the_script_changes_every_platform_and_is_the_same_for_the_same_seed() -> None:
    async def lived(seed: int) -> list[Any]:
        async with Sandbox(specs()) as sandbox:
            for name in NAMES.values():
                sandbox.control(name, "chaos", seed=seed, skew="no")
                sandbox.control(name, "change", count=60)
                assert sandbox.chaos(name).changes.total() > 40
                assert set(sandbox.chaos(name).changes) >= {"place_order", "refund", "restock"}
            told: list[Any] = [truth(store) for store in sandbox.stores]
            return [(each["revenue"], each["counts"], sandbox.chaos(each["store"]).changes) for each in told]

    assert await lived(4) == await lived(4)
    assert await lived(4) != await lived(5)


async def test_faults_are_dealt_by_request_and_told_and_stopped() -> None:
    async with Sandbox(specs()) as sandbox, aiohttp.ClientSession() as session:
        session._retry_connection = False  # each request is counted once
        lab = f"{sandbox.url}/_chaos"

        async def steer(**given: object) -> Any:
            async with session.post(lab, json=given) as answer:
                return answer.status, await answer.json()

        async def ask(times: int) -> list[int]:
            found = []
            for _ in range(times):
                try:
                    async with session.get(f"{sandbox.url}/shop/wp-json/") as answer:
                        await answer.read()
                        found.append(answer.status)
                except aiohttp.ClientError:
                    found.append(0)
            return found

        status, told = await steer(action="chaos", seed=11, intensity=0.9, changes=1)
        assert status == 200
        assert set(told["stores"]) == set(NAMES.values())
        codes = await ask(80)
        async with session.get(lab) as answer:
            shop = (await answer.json())["stores"]["shop"]
        assert (shop["running"], shop["seed"], shop["requests"]) == (True, 11, 80)
        plan = Schedule(11, "shop", weights("woocommerce"))
        planned = Counter(found[0] for number in range(80) if (found := plan.fault(number, 0.9)))
        assert shop["dealt"] == dict(planned)
        assert sum(shop["changes"].values()) > 50
        assert len(set(codes)) > 2
        assert codes.count(0) == sum(planned[kind] for kind in ("cut", "cut_head", "silence"))

        assert (await steer(action="freeze", store="shop"))[0] == 200
        before = truth(sandbox.store("shop"))["counts"]
        await ask(10)
        assert truth(sandbox.store("shop"))["counts"] == before
        assert (await steer(action="chaos", intensity=0.2))[1]["stores"]["shop"]["intensity"] == 0.2
        assert sandbox.chaos("shop").requests == 90, "a new intensity does not begin anew"
        assert (await steer(action="stop_chaos"))[0] == 200
        assert await ask(30) == [200] * 30
        status, wrong = await steer(action="chaos", intensity=3)
        assert (status, wrong["details"]["field"]) == (400, "intensity")
        assert (await steer(action="fault"))[0] == 400
        async with session.get(f"{sandbox.url}/") as answer:
            assert "Stop chaos" in await answer.text()


async def test_the_stores_clock_is_wrong_and_stays_so() -> None:
    async with Sandbox(specs()[:1]) as sandbox:
        told = sandbox.control("shop", "chaos", seed=2)
        ahead = int(str(told["clock_ahead_seconds"]))
        assert ahead != 0
        clock = sandbox.store("shop").clock
        sandbox.control("shop", "stop_chaos")
        assert abs(clock.now() - asyncio.get_running_loop().time()) > 1_000  # an epoch, not a monotonic clock
        assert abs(clock.ahead_seconds - ahead) < 2
        with pytest.raises(BadControl):
            sandbox.control("shop", "chaos", seed=2, skew="perhaps")


async def test_webhooks_are_dropped_doubled_and_overtaken() -> None:
    arrived: list[int] = []

    async def take(request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            arrived.append(json.loads(await request.read())["id"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook = WebhookSpec(
            topic="order.created", delivery_url=f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret="s"
        )
        async with Sandbox([SandboxStoreSpec("shop", orders=20, webhooks=(hook,))]) as sandbox:
            sandbox.control("shop", "chaos", seed=1, intensity=0.9)
            placed = [sandbox.control("shop", "place_order", total="1.00")["order_id"] for _ in range(40)]
            await sandbox.courier("shop").settled()
            dealt = sandbox.chaos("shop").dealt_deliveries
    finally:
        await runner.cleanup()
    assert min(dealt.values()) > 0
    assert len(dealt) == 3
    assert len(set(placed)) - len(set(arrived)) == dealt["dropped"]
    assert len(arrived) - len(set(arrived)) == dealt["doubled"]
    assert list(dict.fromkeys(arrived)) != sorted(set(arrived)), "the delayed ones were overtaken"


def test_rows_are_doubled_and_mixed_but_never_altered() -> None:
    rows = [{"id": number, "price": 0.1 + number, "line_items": [{"id": 1}, {"id": 2}]} for number in range(9)]
    for wrapped in (rows, {"data": {"orders": {"nodes": rows}}}, {"payload": {"transactions": rows}}, {"orders": rows}):
        body = json.dumps(wrapped).encode()
        doubled, mixed = (json.loads(altered(kind, body)) for kind in ("duplicates", "disorder"))
        assert str(doubled).count("line_items") == 12
        assert str(mixed).count("line_items") == 9
        assert mixed != wrapped
        assert all(str(row) in str(mixed) for row in rows)
    assert altered("disorder", b"no json") == b"no json"


def test_a_chaotic_store_can_be_kept(tmp_path: Path) -> None:
    from portal.sandbox.keeping import Keeper

    async def run() -> None:
        async with Sandbox(specs()[:1], state_dir=tmp_path) as sandbox:
            sandbox.control("shop", "chaos", seed=2)
            sandbox.control("shop", "change", count=3)

    asyncio.run(run())
    assert Keeper(tmp_path).load(specs()[0]).faults.next_for("/") is None
