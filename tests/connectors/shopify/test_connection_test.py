from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from portal.connectors.findings import ConnectionTest
from portal.connectors.shopify.connector import ShopifyConnector
from portal.foundation.outbound import OutboundClient
from portal.sandbox import Sandbox
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import Connect, app, credentials, spec


def granted(found: ConnectionTest) -> dict[str, bool | None]:
    return {each.name: each.granted for each in found.permissions}


def advice(found: ConnectionTest) -> str:
    return "\n".join(found.advice)


async def test_a_good_token_shows_everything_the_shop_says(shop: Store, connect: Connect) -> None:
    found = await connect(shop).test()
    assert found.success
    assert (found.store.name, found.store.currency, found.store.timezone) == (shop.spec.title, "EUR", "Europe/Berlin")
    assert found.sample == {
        "orders": len(shop.orders),
        "products": len(shop.products),
        "customers": len(shop.customers),
    }
    assert granted(found)["read_orders"]
    assert granted(found)["read_analytics"] is False
    assert found.response_time >= 0
    assert abs(found.clock_skew_s or 0) < 5
    assert not shop.webhooks, "the test leaves nothing behind"


async def test_client_id_and_secret_are_tested_the_same_way(shop: Store, connect: Connect) -> None:
    found = await connect(shop, **app(shop)).test()
    assert found.success
    assert found.sample["orders"] == len(shop.orders)


async def test_sixty_days_are_a_finding_and_never_no_older_orders(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_scopes", scopes="read_orders,read_products,read_customers,read_inventory")
    found = await connect(shop).test()
    assert (found.success, found.status) == (True, "warning")
    assert granted(found)["read_all_orders"] is False
    assert "last 60 days" in advice(found)
    assert "older ones exist" in advice(found)
    assert found.sample["orders"] is not None
    assert found.sample["orders"] < len(shop.orders)


async def test_a_missing_scope_that_is_needed_blocks_and_an_optional_one_is_named(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_scopes", scopes="read_products")
    found = await connect(shop).test()
    assert (found.success, found.status) == (False, "forbidden")
    assert "read_orders (sales" in advice(found)
    assert "read_customers" in advice(found)
    assert found.sample == {"orders": None, "products": len(shop.products), "customers": None}


async def test_a_right_to_write_includes_reading_and_is_more_than_needed(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    scopes = "write_orders,read_orders,read_all_orders,write_products,read_customers,read_inventory"
    sandbox.control("shop", "set_scopes", scopes=scopes)
    found = await connect(shop).test()
    assert found.success
    assert granted(found)["read_products"] is True
    assert "may also write (write_orders, write_products)" in advice(found)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("401", "auth_failed"),
        ("402", "frozen"),
        ("403", "forbidden"),
        ("423", "locked"),
        ("429", "rate_limited"),
        ("500", "unreachable"),
        ("html", "error"),
        ("garbage", "error"),
    ],
)
async def test_a_broken_shop_has_its_word_and_advice(
    sandbox: Sandbox, shop: Store, connect: Connect, fault: str, status: str
) -> None:
    sandbox.control("shop", "fault", kind=fault, times=50)
    found = await connect(shop).test()
    assert (found.success, found.status) == (False, status)
    assert len(found.advice) == 2
    assert found.sample == {"orders": None, "products": None, "customers": None}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"access_token": "shpat_wrong"}, "auth_failed"),
        ({"access_token": ""}, "error"),
        ({"shop_domain": "not a domain"}, "error"),
        ({"shop_domain": "nobody.myshopify.com"}, "not_found"),
    ],
)
async def test_wrong_fields_are_findings_and_not_exceptions(
    shop: Store, connect: Connect, fields: dict[str, str], status: str
) -> None:
    found = await connect(shop, **fields).test()
    assert (found.success, found.status) == (False, status)
    assert found.advice


async def test_a_refused_token_beside_good_client_credentials_works_with_a_warning(
    shop: Store, connect: Connect
) -> None:
    found = await connect(shop, **app(shop) | {"access_token": "shpat_revoked"}).test()
    assert (found.success, found.status) == (True, "warning")
    assert "no longer accepts the access token" in advice(found)


async def test_without_the_secret_live_updates_are_said_to_be_missing(shop: Store, connect: Connect) -> None:
    assert "polling" in advice(await connect(shop, client_secret="").test())


async def test_another_domain_of_the_shop_is_answered_with_its_own(shop: Store) -> None:
    url = shop.site_url.rsplit("/", 1)[0]
    outbound = OutboundClient(allow=[url.removeprefix("http://")], base_urls={"shopify": url})
    try:
        connector = ShopifyConnector(credentials(shop), outbound, None)
        # The sandbox answers to its name alone too, as a shop does to its other domains.
        other = replace(connector.client.shop, domain="www.shop.example", base=f"{url}/shop")
        connector.client.shop = other
        assert "own domain is shop.myshopify.com" in advice(await connector.test())
    finally:
        await outbound.close()


async def test_a_clock_that_is_off_is_a_finding(connect: Connect) -> None:
    late = spec(orders=5, now=datetime.now(UTC) - timedelta(minutes=20))
    async with Sandbox([late]) as running:
        found = await connect(running.store("shop")).test()
    assert "20 minutes behind" in advice(found)
    assert found.clock_skew_s is not None
    assert -1260 < found.clock_skew_s < -1140
