"""Another reporting currency: tried out, asked for, done at once or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.commerce import rebuild
from portal.compose import close_runtime, open_runtime
from portal.foundation.errors import Conflict, Invalid
from portal.foundation.settings import Settings
from portal.rates import reporting, worker
from portal.rates.given import Given
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, order, refund
from tests.rates.conftest import Bureau

DAY = NOON.date()


async def _sell(bureau: Bureau) -> None:
    rates = {"SEK": "11", "USD": "1.1"}
    await bureau.store.write(
        order("1", currency="EUR", total="100"), order("2", currency="SEK", total="110"), order("3", currency="GBP", total="5"),
        refund(order_id="1", amount="10"),
    )  # fmt: skip
    await bureau.give_all([Given(DAY, "EUR", name, Decimal(rate), True) for name, rate in rates.items()])
    await bureau.work()
    assert await bureau.totals() == {"revenue": Decimal("100.0000"), "unconverted": 1}


async def test_the_preview_names_each_currency_and_changes_nothing(bureau: Bureau):
    await _sell(bureau)
    before = (await bureau.rates(), await bureau.totals())
    found = await reporting.prospects(bureau.rt, bureau.who, "USD")
    assert [(each.currency, each.orders, each.unconverted) for each in found] == [
        ("EUR", 1, 0),
        ("GBP", 1, 1),
        ("SEK", 1, 0),
    ]
    assert (await bureau.rates(), await bureau.totals()) == before
    for wrong in ("EUR", "XQX", ""):
        with pytest.raises(Invalid):
            await reporting.prospects(bureau.rt, bureau.who, wrong)


async def test_everything_is_converted_by_the_rates_known_already(bureau: Bureau):
    await _sell(bureau)
    await reporting.ask(bureau.rt, bureau.who, "USD")
    with pytest.raises(Conflict):
        await reporting.ask(bureau.rt, bureau.who, "SEK")
    await bureau.work()
    assert await bureau.totals() == {"revenue": Decimal("110.0000"), "unconverted": 1}
    [row] = await bureau.store.rows(
        "SELECT reporting_currency::text AS currency, total_revenue FROM v_sales_pulse_current"
    )
    assert row == {"currency": "USD", "total_revenue": Decimal("110.00")}
    assert set(await bureau.rates()) == {("EUR", DAY), ("SEK", DAY)}
    assert await bureau.store.rows("SELECT FROM restatements") == []
    [entry] = await bureau.store.rows(
        "SELECT before, after FROM audit_entries WHERE action = 'rates.reporting_currency'"
    )
    assert ("EUR" in entry["before"], "USD" in entry["after"]) == (True, True)


async def test_a_reader_never_sees_a_mix_and_a_writer_waits_for_the_end(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
):
    await _sell(bureau)
    await reporting.ask(bureau.rt, bureau.who, "USD")
    halfway, go = asyncio.Event(), asyncio.Event()
    whole = rebuild.rebuild_rollups

    async def slow(scope: object, *, why: str | None, tell: object) -> int:
        async def told(word: str) -> None:
            if word == "totals":
                halfway.set()
                await go.wait()

        return await whole(scope, why=why, tell=told)  # type: ignore[arg-type]

    monkeypatch.setattr(reporting, "rebuild_rollups", slow)
    working = asyncio.create_task(bureau.work())
    await halfway.wait()
    pulse = "SELECT reporting_currency::text AS currency, total_revenue, total_orders FROM v_sales_pulse_current"
    assert await bureau.store.rows(pulse) == [{"currency": "EUR", "total_revenue": 100, "total_orders": 3}]
    writing = asyncio.create_task(bureau.store.write(order("4", currency="EUR", total="1")))
    await asyncio.sleep(0.1)
    assert not writing.done()
    go.set()
    await asyncio.gather(working, writing)
    assert await bureau.store.rows(pulse) == [
        {"currency": "USD", "total_revenue": Decimal("111.10"), "total_orders": 4}
    ]


async def test_a_change_ends_though_all_other_connections_are_held_by_writers_who_wait_for_it(
    bureau: Bureau, database_url: str, settings_for: Callable[..., Settings]
):
    await _sell(bureau)
    await reporting.ask(bureau.rt, bureau.who, "USD")
    rt = await open_runtime(settings_for(database_url, database_pool=2))
    go, opened = asyncio.Event(), asyncio.Event()

    async def within(_: object) -> None:
        opened.set()
        await go.wait()

    async def waiting(count: int) -> None:
        query = "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(10):
            while (await bureau.store.rows(query))[0]["n"] < count:
                await asyncio.sleep(0.02)

    try:
        first = asyncio.create_task(bureau.store.write(order("4", currency="EUR", total="1"), within=within))
        await opened.wait()
        changing = asyncio.create_task(worker.step(rt))
        await waiting(1)
        second = asyncio.create_task(
            Store(rt, bureau.org, bureau.store.connection_id).write(order("5", currency="EUR"))
        )
        await waiting(2)
        go.set()
        await asyncio.wait_for(asyncio.gather(first, changing, second), 8)
    finally:
        await close_runtime(rt)
    assert (await bureau.store.rows("SELECT reporting_currency::text AS currency FROM organizations"))[0][
        "currency"
    ] == "USD"


async def test_killed_halfway_nothing_has_changed_and_the_next_worker_does_it(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
):
    await _sell(bureau)
    await reporting.ask(bureau.rt, bureau.who, "USD")
    reached = asyncio.Event()

    async def stuck(*_: object, **__: object) -> int:
        reached.set()
        await asyncio.Event().wait()
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(reporting, "rebuild_rollups", stuck)
        working = asyncio.create_task(worker.step(bureau.rt))
        await reached.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert await bureau.totals() == {"revenue": 100, "unconverted": 1}
    await bureau.work()
    assert await bureau.totals() == {"revenue": Decimal("110.0000"), "unconverted": 1}


async def test_a_recalculation_goes_on_from_its_place_when_its_worker_is_gone(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portal.commerce.rerating.WALKED", 5)
    await bureau.store.write(*(order(str(n), currency="SEK", at=NOON + timedelta(minutes=n)) for n in range(23)))
    await bureau.give("SEK", "0.1", DAY)
    walked = 0
    whole = worker.rerating.look

    async def dies(*arguments: object) -> object:
        nonlocal walked
        walked += 1
        if walked == 3:
            raise asyncio.CancelledError
        return await whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(worker.rerating, "look", dies)
        with pytest.raises(asyncio.CancelledError):
            await worker.step(bureau.rt)
    [job] = await bureau.store.rows("SELECT rows_done, rows_changed, rows_total, status FROM reratings")
    assert job == {"rows_done": 10, "rows_changed": 10, "rows_total": 23, "status": "waiting"}
    assert (await bureau.totals())["unconverted"] == 13
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute("UPDATE reratings SET lease_until = now() - interval '1 second'")
    await bureau.work()
    [job] = await bureau.store.rows("SELECT rows_done, rows_changed, status FROM reratings")
    assert job == {"rows_done": 23, "rows_changed": 23, "status": "done"}
    assert await bureau.totals() == {"revenue": 230, "unconverted": 0}
