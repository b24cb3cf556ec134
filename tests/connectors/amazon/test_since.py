"""Reading again from a day on: searches for a few days, reports of changes for more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portal.commerce.records import Order
from portal.connectors.amazon import history
from tests.connectors.amazon.conftest import Seller, read

NOW = datetime.now(UTC)


async def test_a_young_day_is_searched(account: Seller) -> None:
    connector = account.connect()
    cursor = connector.since("orders", NOW - timedelta(days=1))
    page = await connector.page("orders", cursor)
    assert "windows" not in page.next


async def test_an_old_day_is_caught_up_with_by_reports_of_changes(account: Seller) -> None:
    whole = await read(account.connect(), "orders")
    connector = account.connect()
    cursor = connector.since("orders", NOW - timedelta(days=700))
    first = await connector.page("orders", cursor)
    assert "windows" in first.next
    again = await read(account.connect, "orders", cursor)
    assert {each.external_id for each in again.of(Order)} == {each.external_id for each in whole.of(Order)}


async def test_transactions_begin_at_the_day(account: Seller) -> None:
    whole = await read(account.connect(), "refunds")
    connector = account.connect()
    again = await read(connector, "refunds", connector.since("refunds", NOW - timedelta(days=700)))
    assert set(again.records) <= set(whole.records)
    few = await read(connector, "refunds", connector.since("refunds", NOW))
    assert len(few.records) < max(1, len(whole.records))


def test_earlier_than_amazon_shows_is_as_early_as_it_shows(account: Seller) -> None:
    cursor = account.connect().since("orders", datetime(1995, 1, 1, tzinfo=UTC))
    assert cursor is not None
    begun = datetime.fromisoformat(cursor["since"])
    assert timedelta(days=720) < NOW - begun < history.BACK


def test_the_stock_has_no_history(account: Seller) -> None:
    assert account.connect().since("products", NOW) is None
