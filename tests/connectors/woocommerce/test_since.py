"""Reading again from a day on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.sandbox.server import Sandbox
from portal.sandbox.store import Store
from tests.connectors.conftest import Connect
from tests.connectors.woocommerce.reading import run

NOW = datetime.now(UTC)


def aged(shop: Store, days: int) -> None:
    """Everything changed so long ago."""
    for order in shop.orders.values():
        order.modified = int((NOW - timedelta(days=days)).timestamp())


async def test_orders_changed_since_are_read_the_first_second_and_the_trash_included(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    aged(shop, 60)
    moment = NOW.replace(microsecond=0) - timedelta(days=10)
    ids = sorted(shop.orders)
    chosen, early = ids[3], ids[4]
    shop.orders[chosen].modified = int(moment.timestamp())
    shop.orders[early].modified = int(moment.timestamp()) - 2
    placed = str(sandbox.control("shop", "place_order", total="12.34")["order_id"])
    trashed = str(sandbox.control("shop", "trash")["order_id"])
    connector = connect(shop)
    found = await run(connector, "orders", connector.since("orders", moment))
    assert {str(chosen), placed, trashed} <= set(found.rows)
    assert str(early) not in found.rows
    assert len(found.rows) < 10


async def test_refunds_are_found_through_the_orders_they_moved(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    aged(shop, 60)
    made = str(sandbox.control("shop", "refund")["refund_id"])
    connector = connect(shop)
    found = await run(connector, "refunds", connector.since("refunds", NOW - timedelta(days=1)))
    assert made in found.rows
    assert len(found.rows) < 5


async def test_a_moment_in_another_zone_is_the_same_moment(shop: Store, connect: Connect) -> None:
    from zoneinfo import ZoneInfo

    connector, moment = connect(shop), datetime(2026, 3, 29, tzinfo=ZoneInfo("America/New_York"))
    assert connector.since("orders", moment) == connector.since("orders", moment.astimezone(UTC))


@pytest.mark.parametrize("stream", ["products", "customers", "coupons", "taxes"])
def test_what_tells_no_changes_is_read_whole(shop: Store, connect: Connect, stream: str) -> None:
    assert connect(shop).since(stream, NOW) is None
