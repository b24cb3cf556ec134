"""From one source to the other on a day, and back: each day is counted by exactly one of them, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from portal.foundation.errors import Conflict, Invalid, Missing
from portal.foundation.runtime import Runtime
from portal.parallel import switching
from portal.parallel.sides import mark, pair
from portal.tenancy.scope import platform, tenant
from tests import ledgers
from tests.conftest import make_org
from tests.parallel.conftest import Both, day, make_both, sale


async def test_a_switch_counts_the_old_before_its_day_and_the_new_from_it(both: Both) -> None:
    await both.write(both.new, [sale(3, "1000", "extra")])
    await both.switch(day(5))
    assert await both.by_day() == {day(n): Decimal(100 + n + (1000 if n == 3 else 0)) for n in range(10)}
    new, old = await both.sides()
    assert (old.counts_until, new.counts_from, new.shadow) == (day(5), day(5), False)


async def test_back_again_everything_counts_as_before(both: Both) -> None:
    await both.write(both.new, [sale(3, "1000", "extra")])
    before = await both.by_day()
    await both.switch(day(5))
    await both.back()
    assert await both.by_day() == before
    new, old = await both.sides()
    assert (new.shadow, old.counts_until) == (True, None)
    with pytest.raises(Conflict, match="taken back already"):
        await both.back()


async def test_replaced_entirely_the_old_counts_for_no_day(both: Both) -> None:
    await both.write(both.old, [sale(30, "5", "early")])
    await both.switch(None)
    assert day(30) not in await both.by_day()
    new, old = await both.sides()
    assert (old.shadow, new.counting.since, new.counting.until) == (True, None, None)
    await both.back()
    assert (await both.by_day())[day(30)] == 5


@pytest.mark.parametrize("seed", range(6))
async def test_each_day_is_counted_by_exactly_one_source_after_any_switches(rt: Runtime, seed: int) -> None:
    """Three sources, random sales, random decisions (possible ones or not); calculated again day by day."""
    chance = random.Random(seed)
    org = await make_org(rt, "Random")
    made = await make_both(rt, org)
    third = await ledgers.connect(rt, org, "Third")
    await ledgers.set_store(rt, org, third, "shadow = true")
    ids, sales = [made.old, made.new, third], {}
    for which in ids:
        for ago in range(12):
            amount = chance.randrange(1, 1000)
            sales[which, day(ago)] = amount
            await made.write(which, [sale(ago, str(amount), f"{which}-{ago}")])
    owner = {day(ago): made.old for ago in range(12)}  # who counts for each day
    past: list[tuple[int, dict[date, int]]] = []
    for _ in range(14):
        if past and chance.random() < 0.4:
            number, owners = past[-1]
            async with tenant(rt.database, org) as scope:
                await switching.switch_back(scope, switch_id=number, by="Ada")
            owner = owners
            past.pop()
        else:
            new, old = chance.sample(ids, 2)
            on = chance.choice([None, *(day(ago) for ago in range(12))])
            try:
                async with tenant(rt.database, org) as scope:
                    sides = await pair(scope, new, old)
                    await switching.switch(scope, new_id=new, old_id=old, day=on, seen=mark(*sides), by="Ada")
            except (Conflict, Invalid):
                pass
            else:
                async with tenant(rt.database, org) as scope:
                    number = (await switching.history(scope, new))[0].id
                past.append((number, dict(owner)))
                owner = {each: new if who == old and (on is None or each >= on) else who for each, who in owner.items()}
        assert await made.by_day() == {each: sales[who, each] for each, who in owner.items()}
    succession = await made.rows("SELECT id, succeeded_by FROM client_api_credentials ORDER BY id")
    now = owner[day(0)]
    for row in succession:
        if row["id"] in owner.values() and row["id"] != now:
            assert row["succeeded_by"] == now


async def test_a_day_outside_of_what_the_new_one_has_is_refused(both: Both) -> None:
    for wrong, word in ((day(12), "begins on"), (day(-3), "is read until")):
        with pytest.raises(Invalid) as refused:
            await both.switch(wrong)
        assert word in refused.value.fields["day"]
    assert (await both.sides())[0].shadow


async def test_a_source_without_orders_takes_nothing_over(rt: Runtime, org: UUID) -> None:
    made = await make_both(rt, org)
    with pytest.raises(Conflict, match="no orders yet"):
        await made.switch(None)


async def test_of_two_who_decide_at_once_one_is_told(both: Both) -> None:
    new, old = await both.sides()
    seen = mark(new, old)

    async def decide(on: date) -> int:
        async with tenant(both.rt.database, both.org) as scope:
            return await switching.switch(scope, new_id=both.new, old_id=both.old, day=on, seen=seen, by="Ada")

    found = await asyncio.gather(decide(day(3)), decide(day(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["Conflict", "int"]
    assert set(await both.by_day()) == {day(n) for n in range(10)}
    assert len(await both.rows("SELECT id FROM picture_switches")) == 1


async def test_a_later_switch_is_taken_back_first(both: Both) -> None:
    third = await ledgers.connect(both.rt, both.org, "Third")
    await ledgers.set_store(both.rt, both.org, third, "shadow = true")
    await both.write(third, [sale(ago, "7", f"t{ago}") for ago in range(10)])
    await both.switch(day(6))
    await Both(both.rt, both.org, both.new, third).switch(day(2))
    assert [(await both.by_day())[day(n)] for n in (7, 4, 1)] == [107, 104, 7]
    with pytest.raises(Conflict, match="changed since"):
        await both.back(nth=1)


async def test_days_that_are_over_and_change_are_restated_with_the_reason(both: Both) -> None:
    await both.write(both.new, [sale(3, "1000", "extra"), sale(0, "1", "today")])
    await both.switch(day(5))
    [row] = await both.rows(
        "SELECT day, before_revenue, after_revenue, after_orders, reasons FROM restatements WHERE reasons ? 'source_switched'"
    )
    assert (row["day"], row["before_revenue"], row["after_revenue"], row["after_orders"]) == (day(3), 103, 1103, 2)
    assert row["reasons"] == '{"source_switched": 1}'
    await both.back()
    rows = await both.rows("SELECT before_revenue, after_revenue FROM restatements ORDER BY id")
    assert rows[-1] == {"before_revenue": 1103, "after_revenue": 103}


async def test_a_write_under_way_is_waited_for_and_then_counted_once(both: Both) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def hold(scope: object) -> None:
        begun.set()
        await go.wait()

    from datetime import UTC, datetime

    from portal.commerce import ledger

    writing = asyncio.create_task(
        ledger.write(both.rt, both.org, both.new, [sale(3, "50", "late")], within=hold, arrived_at=datetime.now(UTC))
    )
    await begun.wait()
    switching_now = asyncio.create_task(both.switch(day(5)))
    await asyncio.sleep(0.2)
    assert not switching_now.done(), "the switch waits for the batch"
    go.set()
    await asyncio.gather(writing, switching_now)
    assert (await both.by_day())[day(3)] == 153
    [row] = await both.rows("SELECT after_revenue FROM restatements WHERE reasons ? 'source_switched'")
    assert row["after_revenue"] == 153


async def test_a_source_that_goes_gives_its_days_to_the_other(both: Both) -> None:
    await both.switch(day(5))
    async with platform(both.rt.database, "test") as scope:
        await scope.sql.execute("DELETE FROM client_api_credentials WHERE id = $1", both.old)
    [left] = await both.rows("SELECT shadow, counts_from, counts_until, succeeded_by FROM client_api_credentials")
    assert left == {"shadow": False, "counts_from": None, "counts_until": None, "succeeded_by": None}
    assert set(await both.by_day()) == {day(n) for n in range(10)}
    with pytest.raises(Conflict, match="not connected any more"):
        await both.back()


async def test_the_new_one_removed_the_old_counts_again(both: Both) -> None:
    await both.switch(None)
    async with platform(both.rt.database, "test") as scope:
        await scope.sql.execute("DELETE FROM client_api_credentials WHERE id = $1", both.new)
    assert await both.by_day() == {day(n): 100 + n for n in range(10)}


async def test_an_organization_goes_with_all_its_switches(both: Both) -> None:
    await both.switch(day(5))
    async with platform(both.rt.database, "test") as scope:
        await scope.sql.execute("DELETE FROM organizations WHERE id = $1", both.org)
        assert await scope.sql.fetchval("SELECT count(*) FROM picture_switches WHERE org_id = $1", both.org) == 0


async def test_into_shadow_and_out_of_it(both: Both) -> None:
    async def put(which: int, shadow: bool) -> None:
        new, old = await both.sides()
        async with tenant(both.rt.database, both.org) as scope:
            await switching.set_shadow(scope, which, shadow=shadow, seen=mark(new if which == both.new else old))

    await put(both.new, False)
    assert (await both.by_day())[day(2)] == 204
    await put(both.old, True)
    assert (await both.by_day())[day(2)] == 102
    with pytest.raises(Conflict, match="only source that counts"):
        await put(both.new, True)
    with pytest.raises(Conflict, match="so already"):
        await put(both.old, True)


async def test_another_organizations_source_is_not_there(both: Both, other_org: UUID) -> None:
    theirs = await ledgers.connect(both.rt, other_org)
    async with tenant(both.rt.database, both.org) as scope:
        with pytest.raises(Missing):
            await switching.switch(scope, new_id=both.new, old_id=theirs, day=day(1), seen="", by="Ada")
        with pytest.raises(Missing):
            await switching.set_shadow(scope, theirs, shadow=True, seen="")
