"""The API of a Shopify store over HTTP: who may ask, what it costs, what is found."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.sandbox.shopify.gate import client_id, client_secret
from portal.sandbox.shopify.graphql.schema import ABSTRACT, is_connection, types
from portal.sandbox.shopify.options import ShopifyOptions
from tests.sandbox.shopify.conftest import NOW, Shop, open_shop

LIST = """query L($first: Int, $after: String, $query: String, $key: OrderSortKeys) {
  orders(first: $first, after: $after, query: $query, sortKey: $key) {
    nodes { id createdAt updatedAt } pageInfo { hasNextPage endCursor }
  }
}"""
BAG = """query N($id: ID!) { node(id: $id) { ... on Order {
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } } } } }"""


async def everything(shop: Shop, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        part = (await shop.data(LIST, after=after, **variables))["orders"]
        found += part["nodes"]
        after = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            return found


async def test_a_token_is_needed_and_a_wrong_path_is_not_found(shop: Shop) -> None:
    assert (await shop.ask("{ shop { name } }", token="")).status == 401
    assert (await shop.ask("{ shop { name } }", token="shpat_x")).status == 401
    async with shop.session.post(f"{shop.store.site_url}/admin/api/2020-01/graphql.json") as answer:
        assert answer.status == 404


async def test_the_answer_tells_version_clock_and_bucket(shop: Shop) -> None:
    answer = await shop.ask("{ shop { name currencyCode ianaTimezone myshopifyDomain } }")
    assert answer.body["data"]["shop"]["myshopifyDomain"] == "berlin.myshopify.com"
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"
    assert answer.headers["Date"].startswith("Wed, 17 Jun 2026 13:3")
    assert answer.body["extensions"]["cost"]["throttleStatus"]["restoreRate"] == 20_000


async def test_a_granted_token_works_until_its_end(shop: Shop) -> None:
    spec = shop.store.spec
    form = {"grant_type": "client_credentials", "client_id": client_id(spec), "client_secret": client_secret(spec)}
    granted = await shop.token(**form)
    assert (granted.status, granted.body["expires_in"]) == (200, 86_399)
    token = granted.body["access_token"]
    assert (await shop.ask("{ shop { name } }", token=token)).status == 200
    shop.control("expire_tokens")
    assert (await shop.ask("{ shop { name } }", token=token)).status == 401
    shop.control("set_token_life", seconds=0)
    ended = (await shop.token(**form)).body["access_token"]
    assert (await shop.ask("{ shop { name } }", token=ended)).status == 401


@pytest.mark.parametrize("wrong", [{"grant_type": "password"}, {"client_id": "x"}, {"client_secret": "x"}])
async def test_a_wrong_app_gets_no_token(shop: Shop, wrong: dict[str, str]) -> None:
    spec = shop.store.spec
    form = {"grant_type": "client_credentials", "client_id": client_id(spec), "client_secret": client_secret(spec)}
    refused = await shop.token(**{**form, **wrong})
    assert refused.status == 400
    assert refused.body["error"] in {"invalid_client", "unsupported_grant_type"}


async def test_a_query_over_the_limit_is_refused_before_it_runs(shop: Shop) -> None:
    (error,) = await shop.errors("{ orders(first: 250) { nodes { lineItems(first: 50) { nodes { id } } } } }")
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"


async def test_an_empty_bucket_is_said_with_status_200_and_fills_again() -> None:
    async with open_shop(shopify=ShopifyOptions(points=200, restore_rate=2_000)) as shop:
        shop.control("drain")
        answer = await shop.ask("{ orders(first: 150) { nodes { id } } }")
        assert answer.status == 200
        assert answer.body["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert answer.body["extensions"]["cost"]["requestedQueryCost"] == 150
        for _ in range(40):
            again = await shop.ask("{ orders(first: 150) { nodes { id } } }")
            if "errors" not in again.body:
                break
            await asyncio.sleep(0.02)
        assert again.body["extensions"]["cost"]["actualQueryCost"] <= 150


async def test_pages_hold_every_order_once_in_the_order_asked_for(shop: Shop) -> None:
    for key, field in (("UPDATED_AT", "updatedAt"), ("CREATED_AT", "createdAt"), ("ID", "id")):
        rows = await everything(shop, first=7, key=key)
        assert len({row["id"] for row in rows}) == len(rows) == len(shop.store.orders)
        if field != "id":
            assert [row[field] for row in rows] == sorted(row[field] for row in rows)


async def test_a_cursor_holds_its_place_when_rows_move(shop: Shop) -> None:
    part = (await shop.data(LIST, first=30, key="UPDATED_AT"))["orders"]
    shop.control("bulk_edit", count=20)
    rest, after = list(part["nodes"]), part["pageInfo"]["endCursor"]
    while after:
        part = (await shop.data(LIST, first=30, key="UPDATED_AT", after=after))["orders"]
        rest += part["nodes"]
        after = part["pageInfo"]["endCursor"] if part["pageInfo"]["hasNextPage"] else None
    assert {row["id"] for row in rest} == {f"gid://shopify/Order/{each}" for each in shop.store.orders}


async def test_a_made_up_cursor_is_refused(shop: Shop) -> None:
    assert "Invalid cursor" in (await shop.errors(LIST, first=1, after="x"))[0]["message"]


async def test_a_quoted_date_filters_to_the_second(shop: Shop) -> None:
    moments = sorted(order.modified for order in shop.store.orders.values())
    middle = shop.store.clock.gmt(moments[40])
    rows = await everything(shop, first=50, query=f"updated_at:>='{middle}Z'")
    assert len(rows) == sum(moment >= moments[40] for moment in moments)
    rows = await everything(shop, first=50, query=f"updated_at:>'{middle}Z' created_at:<'{NOW.isoformat()}'")
    assert len(rows) == sum(moment > moments[40] for moment in moments)


async def test_an_unquoted_date_loses_its_time_and_only_the_extensions_say_so(shop: Shop) -> None:
    late = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = await shop.ask(LIST, first=100, query=f"created_at:>={late}")
    assert "errors" not in answer.body
    (told,) = answer.body["extensions"]["search"]
    assert told["warnings"][0]["field"] == "created_at"
    day = [
        row
        for row in answer.body["data"]["orders"]["nodes"]
        if datetime.fromisoformat(row["createdAt"]) < NOW - timedelta(hours=1)
    ]
    assert day, "the whole day was found"


async def test_an_unknown_filter_is_remarked_and_ignored(shop: Shop) -> None:
    answer = await shop.ask(LIST, first=100, query="updatd_at:>'2026-01-01'")
    assert answer.body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"
    assert len(answer.body["data"]["orders"]["nodes"]) == len(shop.store.orders)


async def test_a_missing_scope_refuses_the_field_and_names_itself(shop: Shop) -> None:
    shop.control("set_scopes", scopes="read_orders,read_all_orders")
    answer = await shop.ask("{ orders(first: 1) { nodes { id email } } productsCount { count } }")
    assert {error["extensions"]["code"] for error in answer.body["errors"]} == {"ACCESS_DENIED"}
    assert answer.body["data"]["orders"]["nodes"][0]["email"] is None
    assert "read_products" in str(answer.body["errors"])


async def test_without_read_all_orders_older_ones_do_not_exist(shop: Shop) -> None:
    shop.control("set_scopes", scopes="read_orders")
    since = shop.store.clock.now() - 60 * 86_400
    recent = {row.id for row in shop.store.orders.values() if row.created >= since}
    assert 0 < len(recent) < len(shop.store.orders)
    assert len(await everything(shop, first=50)) == len(recent)
    assert (await shop.data("{ ordersCount { count precision } }"))["ordersCount"]["count"] == len(recent)
    old = next(each for each in shop.store.orders if each not in recent)
    assert (
        await shop.data("query N($id: ID!) { node(id: $id) { ... on Order { id } } }", id=f"gid://shopify/Order/{old}")
    )["node"] is None


async def test_counts_are_bounded_when_a_limit_is_given(shop: Shop) -> None:
    found = await shop.data(
        "{ a: ordersCount(limit: 5) { count precision } b: ordersCount(limit: null) { count precision } }"
    )
    assert found == {"a": {"count": 5, "precision": "AT_LEAST"}, "b": {"count": 80, "precision": "EXACT"}}


async def test_money_has_both_currencies(shop: Shop) -> None:
    order = shop.control("place_order", total="10.00", currency="JPY")["order_id"]
    bag = (await shop.data(BAG, id=f"gid://shopify/Order/{order}"))["node"]["totalPriceSet"]
    assert bag["shopMoney"] == {"amount": "10.0", "currencyCode": "EUR"}
    assert bag["presentmentMoney"] == {"amount": "1632.0", "currencyCode": "JPY"}


def test_every_field_of_the_schema_has_an_answer(shop: Shop) -> None:
    tables = shop.sandbox.sites[0].api.machine.resolvers  # type: ignore[attr-defined]
    generic = {kind for kind in types() if is_connection(kind) or kind.endswith("Edge") or kind == "PageInfo"}
    missing = {
        (kind, field)
        for kind, fields in types().items()
        if kind not in generic | set(ABSTRACT)
        for field in fields
        if field not in tables.get(kind, {})
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("kind", "status"),
    [("401", 401), ("402", 402), ("403", 403), ("423", 423), ("429", 429), ("throttled", 200), ("internal", 200)],
)
async def test_planned_faults_are_answered_as_the_platform_does(shop: Shop, kind: str, status: int) -> None:
    shop.control("fault", kind=kind)
    answer = await shop.ask("{ shop { name } }")
    assert answer.status == status
    assert (await shop.ask("{ shop { name } }")).status == 200


async def test_the_desk_and_the_storefront_answer_at_the_domain(shop: Shop) -> None:
    async with shop.session.get(f"{shop.sandbox.url}/_control") as answer:
        page = await answer.text()
    assert "berlin.myshopify.com" in page
    assert "Access token" in page
    assert "Expire tokens" in page
    async with shop.session.get(f"{shop.store.site_url}/_truth") as answer:
        assert (await answer.json())["counts"]["orders"] == 80
    async with shop.session.post(f"{shop.store.site_url}/_control", json={"action": "trash"}) as answer:
        assert answer.status == 400
