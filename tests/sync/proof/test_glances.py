"""Every run ends with a cheap comparison: the store's own count, the rows that changed lately, and no more than a few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from portal.connectors.glance import Glance
from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.foundation.bus import Event
from portal.foundation.errors import RateLimited
from portal.sandbox import Sandbox
from portal.sync.engine import Outcome
from portal.sync.proof.glances import Seen, seen
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.proof.test_proof import edit_silently


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    """A store read and compared once, a quarter of an hour ago."""
    made = await connect(own_sandbox)
    await made.sync("first")
    await later(made)
    return made


async def later(shop: Shop, by: str = "15 minutes") -> None:
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE glances SET at = at - $1::text::interval, full_at = full_at - $1::text::interval", by
        )


async def glances(shop: Shop) -> dict[str, Seen]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return await seen(scope, shop.connection_id)


async def fulls(shop: Shop) -> int:
    return int(await shop.value("SELECT count(*) FROM reconciliations WHERE connection_id = $1"))


@contextmanager
def counting(more: int, asked: list[str] | None = None) -> Iterator[None]:
    """The store counts `more` orders than it has."""
    true_glance = WooCommerceConnector.glance

    async def glance(self: WooCommerceConnector, stream: str, since: Any) -> Glance | None:
        found = await true_glance(self, stream, since)
        if asked is not None:
            asked.append(stream)
        if found is None or found.total is None or stream != "orders":
            return found
        return msgspec.structs.replace(found, total=found.total + more)

    WooCommerceConnector.glance = glance  # type: ignore[method-assign]
    try:
        yield
    finally:
        WooCommerceConnector.glance = true_glance  # type: ignore[method-assign]


async def test_a_run_counts_every_stream_and_looks_at_what_changed_in_a_few_requests(shop: Shop) -> None:
    shop.control("place_order", total="12.34")
    before = await fulls(shop)
    assert await shop.sync("schedule") is Outcome.SUCCESS
    found = await glances(shop)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("orders", "refunds", "products", "customers"), "even"
    )
    assert all(each.counted == each.held for each in found.values())
    assert found["orders"].looked >= 1
    assert found["orders"].since is not None
    assert sum(each.requests for each in found.values()) <= 5
    assert await fulls(shop) == before


async def test_an_order_deleted_for_good_is_found_by_the_next_run(shop: Shop) -> None:
    shop.control("force_delete")
    before = await fulls(shop)
    await shop.sync("schedule")
    await shop.assert_equal_to_truth()
    assert await fulls(shop) == before + 1, "only the orders were compared in full"
    assert (await glances(shop))["orders"].state == "even"
    await later(shop)
    await shop.sync("schedule")
    assert await fulls(shop) == before + 1


async def test_money_that_changed_in_a_row_of_the_last_hour_is_healed_at_once(shop: Shop) -> None:
    made = shop.control("place_order", total="12.34")
    await shop.sync("schedule")
    edit_silently(shop.store.orders[int(str(made["order_id"]))])
    await later(shop)
    await shop.sync("schedule")
    await shop.assert_equal_to_truth()
    full = await shop.row(
        "SELECT state FROM reconciliations WHERE connection_id = $1 AND stream = 'orders' ORDER BY id DESC LIMIT 1"
    )
    assert full["state"] == "even", "healed at a glance, then compared in full"


async def test_a_count_that_is_off_by_itself_is_compared_in_full_once_and_remembered(shop: Shop) -> None:
    before = await fulls(shop)
    with counting(3):
        await shop.sync("schedule")
        assert await fulls(shop) == before + 1
        for _ in range(2):
            await later(shop)
            await shop.sync("schedule")
    found = (await glances(shop))["orders"]
    assert (found.state, found.apart, found.moved) == ("even", 3, 0)
    assert await fulls(shop) == before + 1


async def test_a_count_that_moves_without_its_list_waits_six_hours_and_says_so(shop: Shop) -> None:
    before = await fulls(shop)
    for more in (1, 2, 3):
        with counting(more):
            await shop.sync("schedule")
        await later(shop)
    assert await fulls(shop) == before + 1
    found = (await glances(shop))["orders"]
    assert found.state == "different"
    assert "counts 2 rows more than at the last full comparison" in found.reason
    assert "at the earliest" in found.reason
    await later(shop, "6 hours")
    with counting(3):
        await shop.sync("schedule")
    assert await fulls(shop) == before + 2
    assert (await glances(shop))["orders"].state == "even"


async def test_a_row_that_cannot_be_taken_over_is_no_news_every_hour(shop: Shop) -> None:
    shop.control("place_order", total="5.00", currency="QQQ")
    await shop.sync("schedule")
    before = await fulls(shop)
    await later(shop, "7 hours")
    await shop.sync("schedule")
    found = (await glances(shop))["orders"]
    assert found.apart == 1
    assert await fulls(shop) <= before + 1


async def test_a_store_that_does_not_answer_at_a_glance_fails_no_run(shop: Shop) -> None:
    async def glance(self: object, stream: str, since: object) -> None:
        raise RateLimited("Too many requests.", retry_after=timedelta(hours=1).total_seconds())

    true_glance, WooCommerceConnector.glance = WooCommerceConnector.glance, glance  # type: ignore[assignment, method-assign]
    try:
        assert await shop.sync("schedule") is Outcome.SUCCESS
    finally:
        WooCommerceConnector.glance = true_glance  # type: ignore[method-assign]
    assert (await glances(shop))["orders"].state == "unknown"


async def test_runs_in_a_row_are_not_each_compared(shop: Shop) -> None:
    asked: list[str] = []
    with counting(0, asked):
        await shop.sync("schedule")
        first = len(asked)
        assert first >= 3
        await shop.sync("webhook")
    assert len(asked) == first


async def test_open_pages_are_told_once_when_a_comparison_ends(shop: Shop) -> None:
    told: list[Event] = []

    async def hear(event: Event) -> None:
        if event.kind == "proof":
            told.append(event)

    end = shop.rt.bus.subscribe(hear)
    await shop.sync("schedule")
    await shop.rt.bus.publish(Event(shop.org, "flush", 0))
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.01)
    end()
    assert [event.payload for event in told] == [{"connection_id": shop.connection_id}]
