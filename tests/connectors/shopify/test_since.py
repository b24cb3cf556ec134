"""Reading again from a day on: an export of what changed since, then the changes during it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.connectors.shopify import queries, search
from portal.connectors.shopify.connector import ShopifyConnector
from portal.connectors.shopify.cursors import State
from portal.sandbox import Sandbox
from portal.sandbox.shopify.exports import restrictions
from portal.sandbox.shopify.graphql.check import problems
from portal.sandbox.shopify.graphql.language import parse
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import Connect

NOW = datetime.now(UTC)


async def read(connector: ShopifyConnector, stream: str, cursor: Any) -> tuple[dict[str, Any], Any]:
    """All rows of a reading by id, and the cursor after it."""
    found: dict[str, Any] = {}
    for _ in range(400):
        page = await connector.page(stream, json.loads(json.dumps(cursor)))
        found |= {record.external_id: record for record in page.records}
        cursor = page.next
        if page.caught_up:
            return found, cursor
    raise AssertionError("it does not end")


def aged(shop: Store) -> None:
    for order in shop.orders.values():
        order.modified = int((NOW - timedelta(days=60)).timestamp())


async def test_only_what_changed_since_is_exported_and_counted(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = own_sandbox.store("shop")
    aged(shop)
    placed = str(own_sandbox.control("shop", "place_order", total="12.00")["order_id"])
    connector = connect(shop)
    cursor = connector.since("orders", NOW - timedelta(days=3))
    assert cursor is not None
    first = await connector.page("orders", cursor)
    assert first.total is not None
    assert first.total < 5
    found, after = await read(connector, "orders", cursor)
    assert placed in found
    assert len([each for each in found.values() if each.stream == "orders"]) < 5
    assert State.of(after, f"{shop.spec.name}.myshopify.com").history is None


@pytest.mark.parametrize("stream", ["products", "orders", "customers"])
async def test_a_day_long_ago_brings_everything(own_sandbox: Sandbox, connect: Connect, stream: str) -> None:
    connector = connect(own_sandbox.store("shop"))
    whole, _ = await read(connector, stream, None)
    again, _ = await read(connector, stream, connector.since(stream, datetime(2000, 1, 1, tzinfo=UTC)))
    assert set(again) == set(whole)


async def test_where_the_export_fails_twice_the_changes_since_are_paged(own_sandbox: Sandbox, connect: Connect) -> None:
    shop = own_sandbox.store("shop")
    aged(shop)
    placed = str(own_sandbox.control("shop", "place_order", total="12.00")["order_id"])
    for _ in range(2):
        own_sandbox.control("shop", "fail_bulk")
    connector = connect(shop)
    found, _ = await read(connector, "orders", connector.since("orders", NOW - timedelta(days=3)))
    assert placed in found
    assert len([each for each in found.values() if each.stream == "orders"]) < 5


@pytest.mark.parametrize("stream", ["products", "orders", "customers"])
def test_the_filtered_exports_fit_the_schema_and_the_rules(stream: str) -> None:
    document = queries.bulk(stream, (), search.since(NOW))
    assert "updated_at:>='" in document
    assert problems(parse(document)) == []
    assert restrictions(parse(document)) == []
