"""The configured source: asked once for all, applied for each organization, told when it fails, never before what hand gave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from portal.commerce.exchange import Shift
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.rates import giving, worker
from portal.rates.fetching import fetch_if_due
from portal.tenancy.scope import Scope, platform, tenant
from tests.commerce.made import NOON, order
from tests.rates.conftest import Bureau, bureau_of

DAY = NOON.date()


@dataclass
class Bank:
    """A source of rates: what it answers, and how often it was asked."""

    rates: dict[date, dict[str, str]] = field(default_factory=dict)
    status: int = 200
    body: str | None = None
    asked: int = 0
    port: int = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        days = "".join(
            f'<Cube time="{day}">'
            + "".join(f'<Cube currency="{name}" rate="{rate}"/>' for name, rate in known.items())
            + "</Cube>"
            for day, known in self.rates.items()
        )
        return web.Response(
            text=self.body if self.body is not None else f"<E><Cube>{days}</Cube></E>", status=self.status
        )


@asynccontextmanager
async def _serving(bank: Bank) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/rates.xml", bank.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    bank.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    made = Bank({DAY: {"SEK": "11.45", "USD": "1.1"}})
    async with _serving(made):
        yield made


@pytest.fixture
async def fetcher(rt: Runtime, bank: Bank) -> AsyncIterator[Runtime]:
    """The runtime with the bank as its source, which nobody has asked yet."""
    outbound = OutboundClient([f"127.0.0.1:{bank.port}"])
    url = f"http://127.0.0.1:{bank.port}/rates.xml"
    yield replace(rt, settings=rt.settings.model_copy(update={"rates_url": url}), outbound=outbound)
    await outbound.close()
    async with platform(rt.database, "test: as before") as scope:
        await scope.sql.execute("DELETE FROM published_rates")


async def _due(rt: Runtime) -> dict[str, Any]:
    async with platform(rt.database, "test: due") as scope:
        await scope.sql.execute("UPDATE rate_source SET next_at = now() - interval '1 second'")
        return dict(await scope.sql.fetchrow("SELECT * FROM rate_source"))


async def _source(rt: Runtime) -> dict[str, Any]:
    async with platform(rt.database, "test: look") as scope:
        return dict(await scope.sql.fetchrow("SELECT *, next_at > now() + interval '5 hours' AS late FROM rate_source"))


@pytest.fixture
async def fetched(fetcher: Runtime, org: UUID) -> Bureau:
    """An organization with orders in kronor and dollars, after the first fetch."""
    bureau = await bureau_of(fetcher, org)
    await bureau.store.write(order("1", currency="SEK", total="114.5"), order("2", currency="USD", total="11"))
    await _due(fetcher)
    assert await fetch_if_due(fetcher)
    await worker.follow(fetcher)
    await bureau.work()
    return bureau


async def test_several_workers_fetch_once_and_every_organization_gets_it(
    fetcher: Runtime, bank: Bank, fetched: Bureau, other_org: UUID
):
    other = await bureau_of(fetcher, other_org)
    await other.store.write(order("1", currency="SEK", total="229"))
    bank.rates[DAY]["SEK"] = "11"
    await _due(fetcher)
    bank.asked = 0
    assert sorted(await asyncio.gather(*(fetch_if_due(fetcher) for _ in range(4)))) == [False, False, False, True]
    assert bank.asked == 1
    await asyncio.gather(worker.follow(fetcher), worker.follow(fetcher))
    await fetched.work()
    assert await fetched.totals() == {"revenue": Decimal("10.4091") + 10, "unconverted": 0}
    assert await other.totals() == {"revenue": Decimal("20.8182"), "unconverted": 0}
    assert (await fetched.rates())["SEK", DAY][1] == "fetched"
    found = await _source(fetcher)
    assert (found["error"], found["failures"], found["newest_day"], found["late"]) == (None, 0, DAY, True)
    assert await worker.follow(fetcher) == 0


async def test_an_organization_whose_rates_cannot_follow_keeps_no_other_waiting(
    fetcher: Runtime, bank: Bank, fetched: Bureau, other_org: UUID, monkeypatch: pytest.MonkeyPatch
):
    other, follow = await bureau_of(fetcher, other_org), giving.follow
    await other.store.write(order("1", currency="SEK", total="229"))
    bank.rates[DAY]["SEK"] = "11"
    await _due(fetcher)
    assert await fetch_if_due(fetcher)

    async def broken(scope: Scope) -> list[Shift]:
        if scope.org_id == fetched.org:
            raise RuntimeError("no")
        return await follow(scope)

    monkeypatch.setattr(giving, "follow", broken)
    await worker.follow(fetcher)
    monkeypatch.undo()
    await fetched.work()
    assert await other.totals() == {"revenue": Decimal("20.8182"), "unconverted": 0}
    assert await worker.follow(fetcher) == 1, "it is tried again"


async def test_what_is_fetched_again_moves_nothing(fetcher: Runtime, fetched: Bureau):
    before = (await _due(fetcher))["version"]
    assert await fetch_if_due(fetcher)
    assert (await _source(fetcher))["version"] == before
    assert await worker.follow(fetcher) == 0
    assert await fetched.work() == 0


async def test_a_rate_by_hand_stands_before_the_fetched_one_until_it_is_removed(
    fetcher: Runtime, bank: Bank, fetched: Bureau
):
    [shift] = await fetched.give("SEK", "0.1", DAY)
    assert shift.was == "fetched"
    bank.rates[DAY]["SEK"] = "12"
    await _due(fetcher)
    await fetch_if_due(fetcher)
    await worker.follow(fetcher)
    await fetched.work()
    assert (await fetched.rates())["SEK", DAY] == (Decimal("0.1"), "hand")
    assert (await fetched.totals())["revenue"] == Decimal("21.45")
    async with tenant(fetcher.database, fetched.org) as scope:
        await giving.remove(scope, "SEK", DAY, "tests")
    assert (await fetched.rates())["SEK", DAY][1] == "fetched"


async def test_an_organization_may_do_without_the_fetched_rates(fetcher: Runtime, fetched: Bureau):
    async with tenant(fetcher.database, fetched.org) as scope:
        await giving.settle(scope, hold_days=7, fetched=False, by="tests")
    await fetched.work()
    assert await fetched.rates() == {}
    assert await fetched.totals() == {"revenue": 0, "unconverted": 2}
    async with tenant(fetcher.database, fetched.org) as scope:
        await giving.settle(scope, hold_days=7, fetched=True, by="tests")
    await fetched.work()
    assert (await fetched.totals())["unconverted"] == 0


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "no", "HTTP 404"),
        (200, "<!DOCTYPE x><E/>", "document type"),
        (200, "<E><Cube time='2026-03-10'><Cube currency='SEK' rate='11,45'/></Cube></E>", "written with a comma"),
        (200, "hello", "cannot be read"),
        (302, "", "HTTP 302"),
    ],
)
async def test_a_failing_source_is_told_with_its_reason_and_what_is_known_stays(
    fetcher: Runtime, bank: Bank, fetched: Bureau, status: int, body: str, said: str
):
    bank.status, bank.body = status, body
    await _due(fetcher)
    assert await fetch_if_due(fetcher)
    found = await _source(fetcher)
    assert said in found["error"]
    assert found["advice"]
    assert (found["failures"], found["late"], found["newest_day"]) == (1, False, DAY)
    assert (await fetched.totals())["unconverted"] == 0
    bank.status, bank.body = 200, None
    await _due(fetcher)
    await fetch_if_due(fetcher)
    assert (await _source(fetcher))["error"] is None


async def test_a_private_address_that_is_not_allowed_is_not_asked(rt: Runtime, bank: Bank):
    barred = replace(
        rt, settings=rt.settings.model_copy(update={"rates_url": f"http://127.0.0.1:{bank.port}/rates.xml"})
    )
    await _due(rt)
    assert await fetch_if_due(barred)
    assert bank.asked == 0
    assert (await _source(rt))["error"]


async def test_without_an_address_nothing_is_asked(rt: Runtime):
    await _due(rt)
    assert not await fetch_if_due(rt)


async def test_a_weekend_is_bridged_and_a_source_that_went_silent_is_not(fetcher: Runtime, fetched: Bureau):
    await fetched.store.write(
        order("3", currency="SEK", total="114.5", at=NOON + timedelta(days=4)),
        order("4", currency="SEK", total="114.5", at=NOON + timedelta(days=9)),
    )
    assert await fetched.totals() == {"revenue": Decimal(30), "unconverted": 1}
