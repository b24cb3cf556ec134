from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from portal.sandbox.shopify.exports import restrictions
from portal.sandbox.shopify.graphql.language import parse
from tests.sandbox.shopify.conftest import Shop

RUN = """mutation R($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) {
  bulkOperation { id status } userErrors { code message } } }"""
STATE = "query S($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount url } }"
ORDERS = "{ orders { edges { node { id name refunds { id } lineItems { edges { node { id quantity } } } } } } }"


async def export(shop: Shop, query: str) -> dict[str, Any]:
    started = (await shop.data(RUN, query=query))["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    for _ in range(50):
        state: dict[str, Any] = (await shop.data(STATE, id=started["bulkOperation"]["id"]))["bulkOperation"]
        if state["status"] != "RUNNING":
            return state
        await asyncio.sleep(0.02)
    raise AssertionError("the export does not end")


async def lines(shop: Shop, url: str) -> list[dict[str, Any]]:
    async with shop.session.get(url) as answer:  # no token: the address itself is the secret
        assert answer.status == 200
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def test_an_export_holds_every_order_and_line_in_no_helpful_order(shop: Shop) -> None:
    state = await export(shop, ORDERS)
    rows = await lines(shop, state["url"])
    parents = [row["id"] for row in rows if "__parentId" not in row]
    children = [row for row in rows if "__parentId" in row]
    assert set(parents) == {f"gid://shopify/Order/{each}" for each in shop.store.orders}
    assert len(children) == sum(len(order.lines) for order in shop.store.orders.values())
    assert {row["__parentId"] for row in children} <= set(parents)
    assert (int(state["rootObjectCount"]), int(state["objectCount"])) == (len(parents), len(rows))
    places = {row["id"]: place for place, row in enumerate(rows)}
    assert any(places[row["__parentId"]] > places[row["id"]] for row in children), "a child stands before its parent"
    assert all("lineItems" not in row for row in rows)


async def test_two_levels_name_the_variant_as_the_parent_of_its_stock(shop: Shop) -> None:
    query = """{ products { edges { node { id variants { edges { node { id inventoryItem { id
      inventoryLevels { edges { node { id quantities(names: ["available"]) { name quantity } } } } } } } } } } } }"""
    rows = await lines(shop, (await export(shop, query))["url"])
    levels = [row for row in rows if "InventoryLevel" in row["id"]]
    variants = {row["id"] for row in rows if "ProductVariant" in row["id"]}
    assert levels
    assert {row["__parentId"] for row in levels} <= variants
    total = sum(row["quantities"][0]["quantity"] for row in levels)
    assert total == sum(row.stock or 0 for row in shop.store.sellables() if row.managed)


async def test_a_search_in_an_export_is_kept_to(shop: Shop) -> None:
    order = next(iter(shop.store.orders))
    query = f'{{ orders(query: "id:{order}") {{ edges {{ node {{ id }} }} }} }}'
    state = await export(shop, query)
    assert [row["id"] for row in await lines(shop, state["url"])] == [f"gid://shopify/Order/{order}"]


async def test_a_failure_is_told_with_its_code_and_no_address(shop: Shop) -> None:
    shop.control("fail_bulk", code="TIMEOUT")
    state = await export(shop, ORDERS)
    assert (state["status"], state["errorCode"], state["url"]) == ("FAILED", "TIMEOUT", None)
    shop.control("set_scopes", scopes="read_products")
    assert (await export(shop, ORDERS))["errorCode"] == "ACCESS_DENIED"


async def test_an_expired_export_is_gone(shop: Shop) -> None:
    state = await export(shop, ORDERS)
    shop.control("expire_exports")
    async with shop.session.get(state["url"]) as answer:
        assert answer.status == 404


async def test_a_query_that_may_not_run_in_bulk_is_a_user_error(shop: Shop) -> None:
    found = (await shop.data(RUN, query="{ shop { name } }"))["bulkOperationRunQuery"]
    assert found["bulkOperation"] is None
    assert found["userErrors"][0]["code"] == "INVALID"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ shop { name } }", "at least one connection"),
        ('{ nodes(ids: ["x"]) { ... on Order { lineItems { edges { node { id } } } } } }', "top level"),
        ("query Q($q: String) { orders(query: $q) { edges { node { id } } } }", "variables"),
        ("{ orders { edges { node { refunds { refundLineItems { nodes { id } } } } } } }", "list field"),
        ("{ orders { edges { node { refunds { refundLineItems { nodes { id } } } } } } }", "implement Node"),
        ("{ orders { edges { node { motto } } } }", "doesn't exist"),
        (
            "{ a: orders { nodes { id } } b: orders { nodes { id } } c: orders { nodes { id } } d: orders { nodes { id } }"
            " e: orders { nodes { id } } f: orders { nodes { id } } }",
            "more than 5",
        ),
    ],
)
def test_the_rules_of_bulk_operations(query: str, said: str) -> None:
    assert any(said in each for each in restrictions(parse(query)))
