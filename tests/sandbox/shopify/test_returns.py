"""Returns, parcels and places of stock of a Shopify store: who may read them, what happens to them, what is true of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.sandbox import SandboxStoreSpec
from portal.sandbox.asking import BadControl
from portal.sandbox.keeping import Keeper
from portal.sandbox.shopify.world import LOCATIONS
from portal.sandbox.store import Store
from portal.sandbox.truth import truth
from tests.sandbox.shopify.conftest import NOW, Shop
from tests.sandbox.shopify.test_life import Heard, heard, subscribe

__all__ = ["heard"]

RETURNS = """query R($id: ID!) { node(id: $id) { ... on Order {
  returnStatus updatedAt
  returns(first: 5) { nodes { id name status returnLineItems(first: 5) { nodes {
    quantity returnReasonNote returnReasonDefinition { name }
    ... on ReturnLineItem { fulfillmentLineItem { lineItem { sku } } } } } } } } } }"""
STOCK = """query S { productVariants(first: 50) { nodes { inventoryItem { tracked inventoryLevels(first: 5) {
  nodes { location { id name } quantities(names: ["available"]) { quantity } } } } } } }"""


async def returns(shop: Shop, order: int) -> Any:
    return (await shop.data(RETURNS, id=f"gid://shopify/Order/{order}"))["node"]


async def test_a_return_is_asked_for_and_comes_to_an_end(shop: Shop) -> None:
    done = shop.control("return_order", reason="Other", note="too loud")
    order = done["order_id"]
    found = await returns(shop, order)
    assert found["returnStatus"] == "RETURN_REQUESTED"
    (made,) = (each for each in found["returns"]["nodes"] if each["status"] == "REQUESTED")
    (line,) = made["returnLineItems"]["nodes"]
    assert (line["quantity"], line["returnReasonNote"], line["returnReasonDefinition"]) == (
        1,
        "too loud",
        {"name": "Other"},
    )
    for state, status in (("open", "IN_PROGRESS"), ("closed", "RETURNED")):
        shop.control("return_order", order=order, state=state)
        assert (await returns(shop, order))["returnStatus"] == status
    assert shop.control("return_order", order=order)["return_id"] != done["return_id"], "the first is at its end"


async def test_a_return_that_is_declined_leaves_no_status(shop: Shop) -> None:
    order = next(each.id for each in shop.store.orders.values() if each.completed and not each.refunds and each.lines)
    shop.control("return_order", order=order, state="declined")
    found = await returns(shop, order)
    assert found["returnStatus"] == "NO_RETURN"
    assert [each["status"] for each in found["returns"]["nodes"]] == ["DECLINED"]
    told: Any = truth(shop.store)["returns"]
    assert order not in {row["order_id"] for row in told}


async def test_a_return_moves_the_orders_date(shop: Shop) -> None:
    order = shop.store.orders[shop.control("return_order")["order_id"]]
    assert order.modified == shop.store.clock.now()


async def test_without_its_scope_a_return_is_refused_and_so_is_a_location(shop: Shop) -> None:
    shop.control("set_scopes", scopes="read_orders,read_all_orders,read_products,read_inventory")
    order = next(iter(shop.store.orders))
    (wrong,) = await shop.errors(RETURNS, id=f"gid://shopify/Order/{order}")
    assert wrong["extensions"]["code"] == "ACCESS_DENIED"
    assert wrong["path"][-1] == "returns"
    assert (await shop.errors(STOCK))[0]["path"][-1] == "location"


async def test_stock_lies_at_several_locations_as_the_truth_tells(shop: Shop) -> None:
    rows = [each["inventoryItem"] for each in (await shop.data(STOCK))["productVariants"]["nodes"]]
    told: Any = truth(shop.store)["stock"]
    expected = sorted(
        sorted((at["location"], at["quantity"]) for at in row["locations"])
        for row in told
        if row["locations"] is not None
    )
    found = sorted(
        sorted(
            (level["location"]["name"], level["quantities"][0]["quantity"]) for level in row["inventoryLevels"]["nodes"]
        )
        for row in rows
        if row["tracked"]
    )
    assert found
    assert all(each in expected for each in found), "every one of the first page"
    assert {len(each) for each in found} == {2, 3}
    assert {name for each in found for name, _ in each} == set(LOCATIONS.values())


async def test_whoever_listens_hears_of_returns_and_shipments(shop: Shop, heard: Heard) -> None:
    await subscribe(shop, heard, "RETURNS_REQUEST", "RETURNS_CLOSE", "FULFILLMENTS_CREATE")
    order = shop.control("return_order")["order_id"]
    shop.control("return_order", order=order, state="closed")
    sent = shop.control("fulfil_order")["order_id"]
    await shop.sandbox.courier("berlin").settled()
    assert heard.topics() == ["returns/request", "returns/close", "fulfillments/create"]
    bodies = [json.loads(body) for _, body in heard.deliveries]
    assert [bodies[0]["order"]["id"], bodies[1]["order"]["id"], bodies[2]["order_id"]] == [order, order, sent]


@pytest.mark.parametrize("given", [{"quantity": 0}, {"reason": "because"}, {"state": "lost"}, {"order": 1}])
async def test_what_cannot_be_returned_is_refused_with_the_parameter(shop: Shop, given: dict[str, Any]) -> None:
    with pytest.raises(BadControl, match=f"^{next(iter(given))}: "):
        shop.control("return_order", **given)


def test_a_store_kept_by_a_release_without_returns_is_still_that_store(tmp_path: Any) -> None:
    spec = SandboxStoreSpec("kept", seed=3, orders=20, platform="shopify")
    keeper, store = Keeper(tmp_path), Store(spec)
    del store.__dict__["returns"]
    keeper.save(store)
    found = Keeper(tmp_path).load(spec)
    assert found.orders.keys() >= store.orders.keys()
    assert found.returns == {}


def test_history_has_returns_before_their_refunds() -> None:
    store = Store(SandboxStoreSpec("h", seed=3, orders=200, platform="shopify", now=NOW))
    told: Any = truth(store)["returns"]
    assert len(told) > 5
    assert {row["state"] for row in told} == {"closed"}
    assert all(row["reason"] for row in told)
