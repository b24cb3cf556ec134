"""Other credentials, a pause that is taken back, another holder of the lease: while a run is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.jobs import request_sync
from portal.tenancy.scope import tenant
from tests.sync.conftest import QUICK, Connect, Shop
from tests.sync.test_worker import until


@pytest.fixture
async def pair() -> AsyncIterator[Sandbox]:
    """Two shops: the one that was entered by mistake, and the right one."""
    specs = [SandboxStoreSpec(name="wrong", orders=300, seed=3), SandboxStoreSpec(name="right", orders=40, seed=4)]
    async with Sandbox(specs) as running:
        yield running


async def at_its_orders(shop: Shop, stop: asyncio.Event | None = None) -> asyncio.Task[Outcome]:
    """A first run whose products are here, and whose store takes its time for the first orders."""
    run_id = await shop.request("first")
    shop.control("fault", kind="slow", times=1, seconds=1.5, path="orders")
    running = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, stop=stop, patience=QUICK))
    await until(lambda: shop.value("SELECT count(*) > 0 FROM products WHERE connection_id = $1"))
    return running


async def replace(shop: Shop, **fields: str) -> None:
    """As the form does it once the new credentials have proved to work."""
    async with tenant(shop.rt.database, shop.org) as scope:
        connection = await stores.load(scope, shop.connection_id)
        values = await stores.credentials(shop.rt, scope, connection)
        await stores.replace_credentials(shop.rt, scope, connection, {**values, **fields})
        await request_sync(scope, org_id=shop.org, connection_id=shop.connection_id, trigger="manual")


async def test_nothing_of_the_old_address_is_written_once_another_one_is_entered(
    pair: Sandbox, connect: Connect
) -> None:
    shop = await connect(pair, "wrong")
    running = await at_its_orders(shop)
    right = pair.store("right")
    key = {"consumer_key": right.spec.consumer_key, "consumer_secret": right.spec.consumer_secret}
    await replace(shop, site_url=right.site_url, **key)
    assert await running is Outcome.PUT_BACK
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1") == 0
    assert await shop.value("SELECT count(*) FROM sync_cursors WHERE connection_id = $1") == 0
    assert await shop.sync() is Outcome.SUCCESS
    shop.name = "right"
    assert await shop.held() == shop.true()


async def test_a_run_whose_key_was_replaced_goes_on_with_the_new_one_and_does_not_fail(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    running = await at_its_orders(shop)
    shop.control("fault", kind="502", times=50)
    await replace(shop)
    assert await running is Outcome.PUT_BACK
    run, connection = await shop.last_run(), await shop.connection()
    assert (run["status"], run["error"], connection["status"], connection["lease_owner"]) == (
        "queued",
        None,
        "active",
        None,
    )
    shop.control("clear_faults")
    assert await shop.sync() is Outcome.SUCCESS
    assert (await shop.last_run())["id"] == run["id"]
    await shop.assert_equal_to_truth()


async def test_a_run_of_a_paused_store_ends_when_its_credentials_are_replaced(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    running = await at_its_orders(shop)
    async with tenant(shop.rt.database, shop.org) as scope:
        await stores.pause(scope, shop.connection_id)
        connection = await stores.load(scope, shop.connection_id)
        values = await stores.credentials(shop.rt, scope, connection)
        await stores.replace_credentials(shop.rt, scope, connection, values)
    assert await running is Outcome.LOST
    assert (await shop.last_run())["status"] == "cancelled"


async def test_a_pause_that_is_taken_back_before_its_run_has_ended_ends_nothing(
    own_sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await connect(own_sandbox)
    tell = engine.Attempt.tell

    async def resumed(attempt: engine.Attempt, *, now: bool = False) -> None:
        """The person resumes the store between the page that saw the pause and the end of the run."""
        if attempt.halted:
            async with tenant(shop.rt.database, shop.org) as scope:
                await stores.resume(scope, shop.connection_id)
                await request_sync(scope, org_id=shop.org, connection_id=shop.connection_id, trigger="manual")
        await tell(attempt, now=now)

    monkeypatch.setattr(engine.Attempt, "tell", resumed)
    running = await at_its_orders(shop)
    async with tenant(shop.rt.database, shop.org) as scope:
        await stores.pause(scope, shop.connection_id)
    assert await running is Outcome.PUT_BACK
    monkeypatch.undo()
    assert (await shop.last_run())["status"] == "queued"
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_a_stopping_worker_leaves_a_run_alone_that_another_one_has_taken_over(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop, stop, other = await connect(own_sandbox), asyncio.Event(), uuid4()
    running = await at_its_orders(shop, stop)
    shop.control("fault", kind="502", times=1, path="orders")  # it stops in the pause before the second try
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET lease_owner = $1", other)
    stop.set()
    assert await running is Outcome.LOST
    assert (await shop.last_run())["status"] == "running"
    assert (await shop.connection())["lease_owner"] == other
