"""Pages are fetched ahead of the ledger within bounds, written together in order, and none is given after its end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import TaxRate
from portal.connectors.answers import Page, Rejected
from portal.foundation.errors import Temporary
from portal.sync import ahead
from portal.sync.ahead import Ahead, together

START = datetime(2026, 1, 1, tzinfo=UTC)


class Store:
    """A store of `pages` pages of `rows` rows, whose clock moves a second with every page; it breaks at page `ill`."""

    def __init__(self, pages: int, rows: int = 100, ill: int | None = None) -> None:
        self.pages, self.rows, self.ill, self.asked = pages, rows, ill, 0

    async def page(self, cursor: dict[str, Any] | None) -> Page:
        number = (cursor or {"at": 0})["at"] + 1
        if number == self.ill:
            raise Temporary("The store is ill.")
        await asyncio.sleep(0)
        self.asked = number
        return Page(records=[], next={"at": number}, caught_up=number == self.pages, total=7, fetched=self.rows)

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.asked)


async def settled() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_what_arrived_meanwhile_is_given_together_and_dated_by_its_first_page() -> None:
    store = Store(3)
    async with Ahead(store.page, None, store.clock) as pages:
        await settled()
        found, since = await pages.arrived()
    assert [page.next["at"] for page in found] == [1, 2, 3]
    assert since == START + timedelta(seconds=1)
    one = together(found)
    assert (one.next, one.caught_up, one.fetched, one.total) == ({"at": 3}, True, 300, 7)


async def test_reading_pauses_when_enough_rows_wait_and_goes_on_after_they_were_taken() -> None:
    store = Store(100)
    async with Ahead(store.page, None, store.clock) as pages:
        await settled()
        most = ahead.MOST_ROWS // store.rows
        assert store.asked == most
        first, _ = await pages.arrived()
        await settled()
        second, _ = await pages.arrived()
    assert [len(first), len(second)] == [most, most]


async def test_pages_without_rows_are_bounded_too() -> None:
    store = Store(1_000, rows=0)
    async with Ahead(store.page, None, store.clock):
        await settled()
        assert store.asked == ahead.MOST_PAGES


async def test_trouble_is_raised_after_the_pages_before_it_were_given() -> None:
    store = Store(9, ill=3)
    async with Ahead(store.page, None, store.clock) as pages:
        await settled()
        found, _ = await pages.arrived()
        assert len(found) == 2
        with pytest.raises(Temporary):
            await pages.arrived()


async def test_leaving_ends_the_reading_even_while_the_store_is_asked() -> None:
    store, asked = Store(9), asyncio.Event()

    async def never(cursor: dict[str, Any] | None) -> Page:
        if cursor is None:
            return await store.page(None)
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with Ahead(never, None, store.clock) as pages:
        await pages.arrived()
        await asyncio.wait_for(asked.wait(), 1)
    await settled()
    assert store.asked == 1


def test_a_row_that_a_later_page_could_map_is_not_rejected_and_the_other_way_round_it_is() -> None:
    tax = TaxRate(external_id="1", modified_at=START, country="DE", rate_percent=Decimal(19))
    bad = Rejected(stream="taxes", external_id="1", reason="no rate")
    mapped = Page(records=[tax], next={}, caught_up=False)
    refused = Page(records=[], rejected=[bad], next={}, caught_up=False)
    assert together([refused, mapped]).rejected == []
    assert together([mapped, refused]).rejected == [bad]
