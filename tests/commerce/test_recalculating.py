"""What a recalculation of whole days leaves in the restatement log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.commerce.rebuild import rebuild
from portal.commerce.restatements import in_words
from portal.commerce.restating import KINDS
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, order
from tests.commerce.test_restating import YESTERDAY, log, state


@pytest.fixture
async def told(store: Store) -> Store:
    """100.00 USD and 10 EUR without a rate yesterday, stated."""
    await store.write(order("1", at=YESTERDAY), order("2", total="10", currency="EUR", at=YESTERDAY))
    await state(store)
    return store


async def test_a_rebuild_that_changes_nothing_restates_nothing(told: Store):
    await rebuild(told.rt, told.org)
    assert await log(told) == []


async def test_a_rate_that_was_missing_restates_the_day_with_the_reason_given(told: Store):
    await told.rate("EUR", "1.10")
    await rebuild(told.rt, told.org, why="new_exchange_rate")
    [row] = await log(told)
    assert (row["day"], row["before_revenue"], row["after_revenue"]) == (YESTERDAY.date(), 100, 111)
    assert (row["before_orders"], row["after_orders"], row["reasons"]) == (2, 2, {"new_exchange_rate": 1})


@pytest.mark.parametrize("counting", ["shadow = true", "counts_until = $2", "counts_from = $2::date + 1"])
async def test_a_day_that_another_source_counts_for_is_not_restated(told: Store, counting: str):
    async with tenant(told.rt.database, told.org) as scope:
        await scope.sql.execute(
            f"UPDATE client_api_credentials SET {counting} WHERE id = $1 AND $2::date IS NOT NULL",
            told.connection_id,
            YESTERDAY.date(),
        )
    await told.rate("EUR", "1.10")
    await rebuild(told.rt, told.org, why="new_exchange_rate")
    assert await log(told) == []


async def test_another_time_zone_restates_the_days_that_orders_left_and_came_to(told: Store):
    late = YESTERDAY.replace(hour=2)
    await told.write(order("3", total="5", at=late - timedelta(days=1)))
    before = len(await log(told))
    await told.configure(timezone="America/Los_Angeles")
    await rebuild(told.rt, told.org)
    rows = (await log(told))[before:]
    assert {row["day"]: (row["before_revenue"], row["after_revenue"]) for row in rows} == {
        (late - timedelta(days=1)).date(): (5, 0),
        (late - timedelta(days=2)).date(): (0, 5),
    }
    assert all(row["reasons"] == {"recalculated": 1} for row in rows)


async def test_days_that_are_not_stated_are_not_told(store: Store):
    await store.write(order("1", currency="EUR", at=YESTERDAY), order("2", currency="EUR", at=NOON))
    await store.rate("EUR", "1.10")
    await rebuild(store.rt, store.org)
    assert await log(store) == [], "during the first reading"
    await state(store)
    await store.configure(reporting_currency="GBP")
    await rebuild(store.rt, store.org, why=None)
    assert await log(store) == [], "another reporting currency is another measure"


def test_reasons_without_a_number_are_said_plainly():
    assert in_words({"new_exchange_rate": 3, "refunds": 2, "late_orders": 1}) == (
        "new exchange rate, two refunds, one late order"
    )
    assert in_words({"uploaded_files": 1, "undone_uploads": 2}) == "two uploads undone, one uploaded file"
    assert all(1 <= len(words) <= 2 for words in KINDS.values())
