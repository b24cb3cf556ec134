"""Stores that are ill: each answer has its advice, nothing wrong is written, and everything else goes on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog

from portal.foundation.errors import AuthFailed, RateLimited, Temporary
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.sync import engine, runs
from portal.sync.engine import Outcome
from portal.sync.progress import decode
from portal.sync.stream import Patience
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect

pytestmark = pytest.mark.usefixtures("swift_outbound")


@pytest.fixture
def swift_outbound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outbound repeats a request by itself with real pauses; here the run's own patience is looked at."""
    from portal.connectors.woocommerce import client

    true_get = client.Client.get

    async def get(self: Any, path: str, params: Any = None, **options: Any) -> Any:
        return await true_get(self, path, params, **options | {"retries": 0})

    monkeypatch.setattr(client.Client, "get", get)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "500", "times": 2},
        {"kind": "502", "times": 2},
        {"kind": "429", "times": 2, "retry_after": 1},
        {"kind": "cut", "times": 1},
        {"kind": "truncated", "times": 1},
        {"kind": "silence", "times": 1, "seconds": 1},
        {"kind": "slow", "times": 1, "seconds": 1},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_trouble_that_passes_is_sat_out_within_the_run(
    own_sandbox: Sandbox, connect: Connect, fault: dict[str, Any]
) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", path="orders", **fault)
    assert await shop.sync("first") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


@pytest.mark.parametrize("kind", ["500", "429", "cut", "truncated", "html", "garbage", "silence"])
async def test_trouble_that_stays_ends_the_run_with_advice_and_is_mended_later(
    own_sandbox: Sandbox, connect: Connect, kind: str
) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", kind=kind, times=1000, seconds=0.05, retry_after=0, path="orders")
    assert await shop.sync("first") is Outcome.FAILED
    run, connection = await shop.last_run(), await shop.connection()
    assert run["status"] == "failed"
    assert run["error"]
    assert run["advice"]
    assert connection["status"] == "error"
    assert connection["last_error"] == run["error"]
    assert connection["lease_owner"] is None
    wait = (connection["next_sync_at"] - datetime.now(UTC)).total_seconds()
    assert 50 < wait < 70
    # The streams that could be read were read: products are there, whatever happened to orders.
    assert await shop.value("SELECT count(*) FROM products WHERE connection_id = $1") > 0
    shop.control("clear_faults")
    assert await shop.sync("retry") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    assert (await shop.connection())["status"] == "active"


async def test_a_revoked_key_is_told_and_another_store_goes_on(
    own_sandbox: Sandbox, sandbox: Sandbox, connect: Connect, other_org: UUID
) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    shop.control("revoke_keys")
    assert await shop.sync("schedule") is Outcome.FAILED
    connection = await shop.connection()
    assert connection["status"] == "error"
    assert connection["last_error_advice"]
    wait = (connection["next_sync_at"] - datetime.now(UTC)).total_seconds()
    assert 3000 < wait < 4200
    neighbour = await connect(sandbox, "empty", to=other_org)
    assert await neighbour.sync("first") is Outcome.SUCCESS
    shop.control("restore_keys")
    shop.control("place_order", total="3.00")
    assert await shop.sync("retry") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_a_rate_limit_longer_than_a_run_waits_is_kept_for_the_next_one(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", kind="429", times=1000, retry_after=600)
    assert await shop.sync("first", Patience(waits=(0.05,), longest_wait=1)) is Outcome.FAILED
    wait = ((await shop.connection())["next_sync_at"] - datetime.now(UTC)).total_seconds()
    assert 590 < wait < 670


async def test_a_page_that_never_comes_is_given_up(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", kind="silence", times=1000, seconds=30, path="products")
    assert await shop.sync("first", Patience(waits=(), page_seconds=0.3)) is Outcome.FAILED
    assert "in time" in (await shop.last_run())["error"]
    shop.control("clear_faults")


async def test_no_secret_is_in_a_log_an_error_or_a_row(rt: Runtime, own_sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(own_sandbox)
    sentinels = [shop.store.spec.consumer_key, shop.store.spec.consumer_secret]
    shop.control("revoke_keys")
    with structlog.testing.capture_logs() as logs:
        await shop.sync("first")
        shop.control("restore_keys")
        shop.control("fault", kind="garbage", times=100)
        await shop.sync("retry")
    async with tenant(rt.database, shop.org, read_only=True) as scope:
        rows = await scope.sql.fetch("SELECT to_jsonb(r)::text AS told FROM client_api_sync_results r")
        row = await scope.sql.fetchval("SELECT (to_jsonb(c) - 'secrets')::text FROM client_api_credentials c")
        sealed = await scope.sql.fetchval("SELECT secrets FROM client_api_credentials")
    told = repr(logs) + repr([r["told"] for r in rows]) + row
    for sentinel in sentinels:
        assert sentinel not in told
        assert sentinel.encode() not in bytes(sealed)


def test_tries_grow_apart_and_stop_growing_at_an_hour() -> None:
    waits = [runs.retry_after(failures, Temporary("x")).total_seconds() / 60 for failures in (1, 2, 3, 4, 5, 50)]
    assert all(low <= wait <= low * 1.1 for wait, low in zip(waits, (1, 2, 5, 15, 60, 60), strict=True))
    assert runs.retry_after(1, AuthFailed("x")).total_seconds() >= 3600
    assert runs.retry_after(1, RateLimited("x", retry_after=7200)).total_seconds() >= 7200


async def test_while_the_store_is_in_trouble_the_page_says_so_and_takes_it_back(
    own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    shop.control("fault", kind="500", times=1, path="orders")
    seen: list[str] = []
    run_id = await shop.request("first")
    patience = Patience(waits=(0.6,), page_seconds=20.0)
    reading = asyncio.create_task(engine.run(shop.rt, shop.org, shop.connection_id, run_id, patience=patience))
    while not reading.done():
        seen += [each.trouble for each in decode((await shop.last_run())["progress"]).values()]
        await asyncio.sleep(0.05)
    assert await reading is Outcome.SUCCESS
    assert any("error 500" in each for each in seen)
    assert not any(each.trouble for each in decode((await shop.last_run())["progress"]).values())
