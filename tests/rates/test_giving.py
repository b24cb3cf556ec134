"""Rates are given, corrected and removed; what was stored at another rate follows."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from portal.foundation.runtime import Runtime
from portal.rates import giving, worker
from portal.rates.given import Given
from portal.rates.recalculations import CLAIM
from portal.tenancy.scope import platform, tenant
from tests.commerce.made import NOON, connect, line, order, refund
from tests.rates.conftest import Bureau, bureau_of

DAY = NOON.date()


async def test_orders_without_a_rate_are_kept_and_added_once_there_is_one(bureau: Bureau):
    await bureau.store.write(
        order("1", currency="SEK", total="100", lines=(line(total="80"),)), order("2", currency="EUR", total="7")
    )
    assert await bureau.totals() == {"revenue": 7, "unconverted": 1}
    [before] = await bureau.store.rows("SELECT version FROM tenant_versions")
    await bureau.give("SEK", "0.09", DAY)
    assert await bureau.work() == 1
    assert await bureau.totals() == {"revenue": Decimal("16.0000"), "unconverted": 0}
    [sku] = await bureau.store.rows("SELECT revenue_reporting FROM daily_sku_sales WHERE revenue_reporting <> 0")
    assert sku["revenue_reporting"] == Decimal("7.2")
    [after] = await bureau.store.rows("SELECT version FROM tenant_versions")
    assert after["version"] > before["version"]


async def test_a_correction_reaches_up_to_the_day_of_the_next_rate(bureau: Bureau):
    await bureau.give("SEK", "0.1", DAY)
    await bureau.give("SEK", "0.2", DAY + timedelta(days=3))
    await bureau.store.write(*(order(str(n), currency="SEK", at=NOON + timedelta(days=n)) for n in range(-1, 5)))
    await bureau.work()
    rates = "SELECT external_id, rate FROM orders ORDER BY external_id::int"
    assert [row["rate"] for row in await bureau.store.rows(rates)] == [
        None,
        *map(Decimal, ("0.1", "0.1", "0.1", "0.2", "0.2")),
    ]
    shifts = await bureau.give("SEK", "0.3", DAY)
    assert [(s.day, s.before, s.after) for s in shifts] == [(DAY, Decimal("0.1"), Decimal("0.3"))]
    [job] = await bureau.store.rows("SELECT from_day, until_day FROM reratings WHERE status = 'waiting'")
    assert (job["from_day"], job["until_day"]) == (DAY, DAY + timedelta(days=3))
    await bureau.work()
    assert [row["rate"] for row in await bureau.store.rows(rates)] == [
        None,
        *map(Decimal, ("0.3", "0.3", "0.3", "0.2", "0.2")),
    ]


async def test_a_rate_holds_seven_days_and_is_unknown_after_them(bureau: Bureau):
    await bureau.give("SEK", "0.1", DAY)
    await bureau.store.write(
        order("in", currency="SEK", at=NOON + timedelta(days=6)),
        order("out", currency="SEK", at=NOON + timedelta(days=7)),
    )
    assert await bureau.totals() == {"revenue": 10, "unconverted": 1}
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await giving.settle(scope, hold_days=8, fetched=True, by="tests")
    await bureau.work()
    assert await bureau.totals() == {"revenue": 20, "unconverted": 0}
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await giving.settle(scope, hold_days=1, fetched=True, by="tests")
    await bureau.work()
    assert await bureau.totals() == {"revenue": 0, "unconverted": 2}


async def test_a_removed_rate_leaves_the_one_before_it_or_none(bureau: Bureau):
    await bureau.give("SEK", "0.1", DAY - timedelta(days=1))
    await bureau.give("SEK", "0.2", DAY)
    await bureau.store.write(order(currency="SEK"), refund(amount="30"))
    for expected in ((7, 0), (0, 1)):
        day = DAY if expected == (7, 0) else DAY - timedelta(days=1)
        async with tenant(bureau.rt.database, bureau.org) as scope:
            await giving.remove(scope, "SEK", day, "tests")
        await bureau.work()
        assert tuple((await bureau.totals()).values()) == expected


async def test_a_refund_is_converted_by_the_rate_of_its_own_day(bureau: Bureau):
    later = NOON + timedelta(days=2)
    await bureau.store.write(order(currency="SEK"), refund(amount="50", at=later))
    await bureau.give("SEK", "0.1", DAY)
    await bureau.give("SEK", "0.2", later.date())
    await bureau.work()
    assert await bureau.totals() == {"revenue": 0, "unconverted": 0}


async def test_the_same_rates_again_change_nothing_and_ask_for_nothing(bureau: Bureau):
    given = [Given(DAY, "EUR", "SEK", Decimal("11.45"), True)]
    await bureau.store.write(order(currency="SEK"))
    assert len(await bureau.give_all(given)) == 1
    assert await bureau.give_all(given) == []
    assert await bureau.work() == 1


async def test_a_file_is_kept_whole_and_derived_for_what_is_sold_in(bureau: Bureau):
    await bureau.store.write(order(currency="SEK"))
    await bureau.give_all(
        [Given(DAY, "EUR", name, Decimal(rate), True) for name, rate in (("SEK", "11"), ("USD", "1.1"))]
    )
    assert set(await bureau.rates()) == {("SEK", DAY)}
    await bureau.store.write(order("2", currency="USD", total="11"))
    assert await worker.follow(bureau.rt) >= 1
    await bureau.work()
    assert set(await bureau.rates()) == {("SEK", DAY), ("USD", DAY)}
    assert (await bureau.totals())["unconverted"] == 0


async def test_what_was_stated_is_restated_with_the_reason(bureau: Bureau):
    await bureau.give("SEK", "0.1", DAY)
    await bureau.store.write(order(currency="SEK"))
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET last_success_at = $1", NOON + timedelta(days=2))
        await scope.sql.execute(
            "INSERT INTO sync_cursors (org_id, connection_id, stream, phase) VALUES ($1, $2, 'orders', 'incremental')",
            bureau.org,
            bureau.store.connection_id,
        )
    await bureau.give("SEK", "0.12", DAY)
    await bureau.work()
    [told] = await bureau.store.rows("SELECT day, before_revenue, after_revenue, currency, reasons FROM restatements")
    assert told == {
        "day": DAY,
        "before_revenue": 10,
        "after_revenue": 12,
        "currency": "EUR",
        "reasons": '{"new_exchange_rate": 1}',
    }


async def test_one_connection_with_four_currencies_is_totalled_only_through_rates(bureau: Bureau):
    """As Amazon's: one seller, marketplaces in euro, kronor, zloty and pounds."""
    amounts = {"EUR": "10", "SEK": "200", "PLN": "40", "GBP": "5"}
    await bureau.store.write(*(order(name, currency=name, total=total) for name, total in amounts.items()))
    assert await bureau.totals() == {"revenue": 10, "unconverted": 3}
    quotes = {"SEK": "11.2", "PLN": "4.25", "GBP": "0.85"}
    await bureau.give_all([Given(DAY, "EUR", name, Decimal(rate), True) for name, rate in quotes.items()])
    await bureau.work()
    expected = Decimal(10)
    for name, rate in quotes.items():
        expected += (Decimal(amounts[name]) / Decimal(rate)).quantize(Decimal("0.0001"))
    assert await bureau.totals() == {"revenue": expected, "unconverted": 0}
    [row] = await bureau.store.rows("SELECT total_revenue, unconverted_orders FROM v_sales_pulse_current")
    assert (row["total_revenue"], row["unconverted_orders"]) == (expected.quantize(Decimal("0.01")), 0)


async def test_rates_of_one_organization_are_nothing_to_another(bureau: Bureau, other_org: UUID):
    other = await bureau_of(bureau.rt, other_org)
    for each in (bureau, other):
        await each.store.write(order(currency="SEK"))
    await bureau.give("SEK", "0.1", DAY)
    await bureau.work()
    assert await bureau.totals() == {"revenue": 10, "unconverted": 0}
    assert await other.totals() == {"revenue": 0, "unconverted": 1}
    assert await other.rates() == {}


async def test_two_files_at_once_while_a_sync_writes_leave_one_truth(bureau: Bureau):
    days = [DAY + timedelta(days=n) for n in range(5)]
    second = await connect(bureau.rt, bureau.org)

    def sheet(rate: str) -> list[Given]:
        return [Given(day, "EUR", "SEK", Decimal(rate), True) for day in days]

    async def sync(store: object, start: int) -> None:
        for number in range(start, start + 12):
            await store.write(  # type: ignore[attr-defined]
                *(order(f"{number}-{n}", currency="SEK", total="11", at=NOON + timedelta(days=n)) for n in range(5))
            )

    async def recalculate() -> None:
        for _ in range(15):
            await worker.step(bureau.rt)
            await asyncio.sleep(0.01)

    await asyncio.wait_for(
        asyncio.gather(
            sync(bureau.store, 0), sync(second, 100), bureau.give_all(sheet("11")), bureau.give_all(sheet("12")),
            bureau.give_all(sheet("10")), recalculate(), recalculate(),
        ),
        60,
    )  # fmt: skip
    await bureau.work()
    [stored] = {rate for rate, _ in (await bureau.rates()).values()}
    found = await bureau.store.rows("SELECT DISTINCT rate FROM orders")
    assert [row["rate"] for row in found] == [stored]
    one = (11 * stored).quantize(Decimal("0.0001"))
    assert await bureau.totals() == {"revenue": one * 120, "unconverted": 0}


async def test_a_rate_that_comes_while_a_batch_is_open_reaches_its_rows(rt: Runtime, bureau: Bureau):
    """The batch began before the rate and commits after it: the worker waits for it."""
    opened, go = asyncio.Event(), asyncio.Event()

    async def within(_: object) -> None:
        opened.set()
        await go.wait()

    writing = asyncio.create_task(bureau.store.write(order(currency="SEK"), within=within))
    await opened.wait()
    await bureau.give("SEK", "0.1", DAY)
    working = asyncio.create_task(bureau.work())
    await asyncio.sleep(0.2)
    assert not working.done()
    go.set()
    await asyncio.gather(writing, working)
    assert await bureau.totals() == {"revenue": 10, "unconverted": 0}


def test_the_day_of_these_tests_is_a_tuesday():
    assert date(2026, 3, 10) == DAY


async def test_a_lease_keeps_others_away_until_its_worker_is_taken_for_dead(bureau: Bureau):
    await bureau.store.write(order(currency="SEK"))
    await bureau.give("SEK", "0.1", DAY)
    async with platform(bureau.rt.database, "test: a worker that is killed right after its claim") as scope:
        assert await scope.sql.fetchrow(CLAIM, uuid4(), timedelta(seconds=30))
    assert await bureau.work() == 0
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute("UPDATE reratings SET lease_until = now() - interval '1 second'")
    assert await bureau.work() == 1
    assert await bureau.totals() == {"revenue": 10, "unconverted": 0}


async def test_settings_saved_unchanged_ask_for_nothing(bureau: Bureau):
    await bureau.give("SEK", "0.1", DAY)
    await bureau.work()
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await giving.settle(scope, hold_days=7, fetched=True, by="tests")
    assert await bureau.work() == 0
