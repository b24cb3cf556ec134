"""Workers: killed, doubled, stopped, and never in each other's way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sync import engine, lease
from portal.sync.engine import Busy, Outcome
from portal.sync.schedule import request_due
from portal.sync.worker import work
from portal.tenancy.scope import tenant
from tests.sync.conftest import QUICK, Connect, Shop


@asynccontextmanager
async def working(rt: Runtime, workers: int = 1, **options: Any) -> AsyncIterator[asyncio.Event]:
    """Workers in this process; leaving stops them gracefully."""
    stop = asyncio.Event()
    given = {"heartbeat": timedelta(seconds=3), "schedule_every": 3600.0} | options
    tasks = [asyncio.create_task(work(rt, stop=stop, **given)) for _ in range(workers)]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)


@dataclass
class Killable:
    """A worker process of its own."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def kill(self) -> None:
        """kill -9."""
        assert self.process.returncode is None, "the worker ended by itself"
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def killable(rt: Runtime, sandbox: Sandbox) -> AsyncIterator[Killable]:
    """A worker process of its own, which is gone afterwards."""
    allow = sandbox.url.removeprefix("http://")
    settings = rt.settings.model_copy(update={"outbound_allow": (allow,)}).model_dump_json(exclude_none=True)
    root = Path(__file__).parents[2]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent / "worker_child.py"),
        settings,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )

    try:
        yield Killable(child)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def until(check: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for an awaited condition."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.05)


async def status(shop: Shop) -> str:
    return str((await shop.last_run())["status"])


async def test_a_worker_killed_in_the_middle_of_a_backfill_leaves_totals_equal_to_the_truth(
    rt: Runtime, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=3))
    async with Sandbox([SandboxStoreSpec(name="big", orders=3000, seed=3)]) as sandbox:
        shop = await connect(sandbox, "big")
        await shop.request("first")
        async with killable(rt, sandbox) as worker:
            await until(lambda: shop.value("SELECT count(*) >= 300 FROM orders WHERE connection_id = $1"), 30)
            await worker.kill()
        held = await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1")
        assert held < 3000
        async with working(rt):

            async def done() -> bool:
                return await status(shop) == "success"

            await until(done, 40)
        await shop.assert_equal_to_truth()
        run = await shop.last_run()
        assert run["attempts"] == 2
        # It went on from the cursor: what was committed was not fetched once more.
        assert run["rows_fetched"] < 2 * 3000


async def test_a_worker_killed_in_a_run_from_a_day_on_goes_on_where_it_was_and_no_cursor_moves(
    rt: Runtime, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(seconds=3))
    orders = 900
    async with Sandbox([SandboxStoreSpec(name="big", orders=orders, seed=3)]) as sandbox:
        shop = await connect(sandbox, "big")
        assert await shop.sync("first") is Outcome.SUCCESS
        cursor = await shop.value("SELECT cursor FROM sync_cursors WHERE connection_id = $1 AND stream = 'orders'")
        sandbox.control("big", "fault", kind="slow", times=100_000, seconds=1, path="orders")
        await shop.request(streams=["orders"], since=date(2010, 1, 1))
        read = "SELECT coalesce((request->'places'->'orders'->>'done')::int, 0) >= 300 FROM client_api_sync_results"
        async with killable(rt, sandbox) as worker:
            await until(lambda: shop.value(f"{read} WHERE connection_id = $1 ORDER BY id DESC LIMIT 1"), 40)
            await worker.kill()
        sandbox.control("big", "clear_faults")
        assert await status(shop) == "running"
        async with working(rt):

            async def done() -> bool:
                return await status(shop) == "success"

            await until(done, 40)
        run = await shop.last_run()
        assert run["attempts"] == 2
        # The store's drafts are in none of its lists: what the first sync found is what there is to read.
        held = await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1")
        assert held <= run["rows_fetched"] < 1.5 * held, "what was committed was not read once more"
        assert run["rows_changed"] == 0
        assert cursor == await shop.value(
            "SELECT cursor FROM sync_cursors WHERE connection_id = $1 AND stream = 'orders'"
        )
        await shop.assert_equal_to_truth()


async def test_two_workers_never_run_one_connection_twice(
    rt: Runtime, sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops = [await connect(sandbox) for _ in range(3)]
    running: list[int] = []
    overlaps: list[int] = []
    true_run = engine.run

    async def run(rt: Runtime, org: UUID, connection_id: int, run_id: UUID, **options: Any) -> Outcome:
        overlaps.extend(each for each in running if each == connection_id)
        running.append(connection_id)
        try:
            return await true_run(rt, org, connection_id, run_id, **options)
        finally:
            running.remove(connection_id)

    monkeypatch.setattr(engine, "run", run)
    async with working(rt, workers=2):
        for shop in shops:
            await asyncio.gather(*(shop.request("first") for _ in range(3)))

        async def done() -> bool:
            return [await status(shop) for shop in shops] == ["success"] * 3

        await until(done)
    for shop in shops:
        await shop.assert_equal_to_truth()
        assert await shop.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1") == 1
        assert (await shop.last_run())["attempts"] == 1
    assert not overlaps


async def test_a_run_whose_lease_is_gone_commits_nothing_more(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    run_id = await shop.request("first")
    shop.control("fault", kind="slow", times=1, seconds=1, path="products")
    frozen = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK))
    await until(lambda: shop.value("SELECT lease_owner IS NOT NULL FROM client_api_credentials WHERE id = $1"))
    with pytest.raises(Busy):
        await engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET lease_owner = $1", uuid4())
    assert await frozen is Outcome.LOST
    assert await shop.value("SELECT count(*) FROM products WHERE connection_id = $1") == 0
    assert await shop.value("SELECT count(*) FROM sync_cursors WHERE connection_id = $1") == 0


async def test_a_cancelled_run_stops_and_the_next_one_goes_on(own_sandbox: Sandbox, connect: Connect) -> None:
    from portal.sync import runs

    shop = await connect(own_sandbox)
    run_id = await shop.request("first")
    shop.control("fault", kind="slow", times=1, seconds=1, path="orders")
    work_under_way = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=QUICK))
    await until(lambda: shop.value("SELECT count(*) > 0 FROM products WHERE connection_id = $1"))
    async with tenant(shop.rt.database, shop.org) as scope:
        assert await runs.cancel(scope, shop.connection_id)
    assert await work_under_way is Outcome.LOST
    assert await status(shop) == "cancelled"
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_a_stopping_worker_puts_the_run_back_and_the_next_one_goes_on(
    rt: Runtime, own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", kind="slow", times=1, seconds=0.5, path="orders")
    await shop.request("first")
    async with working(rt):
        await until(lambda: shop.value("SELECT count(*) > 0 FROM products WHERE connection_id = $1"))
    assert await status(shop) == "queued"
    assert (await shop.connection())["lease_owner"] is None
    async with working(rt):

        async def done() -> bool:
            return await status(shop) == "success"

        await until(done)
    await shop.assert_equal_to_truth()


async def test_a_store_that_hangs_does_not_delay_another_clients_sync(
    rt: Runtime, own_sandbox: Sandbox, sandbox: Sandbox, connect: Connect, other_org: UUID
) -> None:
    ill = await connect(own_sandbox)
    well = await connect(sandbox, "empty", to=other_org)
    await well.sync("first")
    ill.control("fault", kind="silence", times=1000, seconds=4)
    async with working(rt):
        await ill.request("first")
        await until(lambda: ill.value("SELECT lease_owner IS NOT NULL FROM client_api_credentials WHERE id = $1"))
        await well.request("schedule")

        async def done() -> bool:
            return await status(well) == "success" and (await well.last_run())["trigger"] == "schedule"

        await until(done, 3)
        assert await status(ill) == "running"
        async with tenant(rt.database, ill.org) as scope:
            from portal.sync import runs

            await runs.cancel(scope, ill.connection_id)
            await scope.sql.execute("DELETE FROM pgqueuer")
        ill.control("clear_faults")


async def test_due_connections_are_requested_once_however_many_workers_ask(
    rt: Runtime, sandbox: Sandbox, connect: Connect
) -> None:
    while await request_due(rt):  # what other tests left due
        pass
    shop = await connect(sandbox, "empty")
    paused = await connect(sandbox, "empty")
    async with tenant(rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET next_sync_at = now() - interval '1 minute'")
        await scope.sql.execute(
            "UPDATE client_api_credentials SET status = 'paused' WHERE id = $1", paused.connection_id
        )
    asked = await asyncio.gather(*(request_due(rt) for _ in range(3)))
    assert sum(asked) == 1
    assert (await shop.last_run())["trigger"] == "schedule"
    wait = await shop.value("SELECT next_sync_at - now() FROM client_api_credentials WHERE id = $1")
    assert 3000 < wait.total_seconds() < 4000
    assert await paused.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1") == 0


async def test_a_run_whose_job_was_lost_gets_one_again(rt: Runtime, sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox, "empty")
    await shop.request("manual")
    async with tenant(rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
        await scope.sql.execute("UPDATE client_api_sync_results SET queued_at = now() - interval '2 minutes'")
    await request_due(rt)
    assert (
        await shop.value(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'backfill_connection' AND dedupe_key ="
            " 'run:' || (SELECT run_id::text FROM client_api_sync_results WHERE connection_id = $1)"
        )
        == 1
    )
    assert await shop.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1") == 1


async def test_behind_pgbouncer_the_lanes_poll_instead_of_listening(
    rt: Runtime, sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"database_pgbouncer": True}))
    shop = await connect(sandbox, "empty")
    async with working(rt):
        await asyncio.sleep(0.2)  # the lanes have looked once and found nothing
        await shop.request("manual")

        async def done() -> bool:
            return await status(shop) == "success"

        await until(done, 5)
