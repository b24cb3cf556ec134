"""One shop's answers and refusals, over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from portal.connectors.shopify import queries
from portal.connectors.shopify.client import Client
from portal.connectors.shopify.shop import shop as described
from portal.connectors.shopify.tokens import Tokens
from portal.foundation.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Temporary,
)
from portal.foundation.outbound import OutboundClient
from portal.sandbox import Sandbox
from portal.sandbox.shopify.gate import client_secret
from portal.sandbox.shopify.options import ShopifyOptions
from portal.sandbox.store import Store
from tests.connectors.shopify.conftest import Connect, app, credentials, spec


async def test_a_query_is_answered_with_the_shops_clock_and_the_state_of_its_bucket(
    shop: Store, connect: Connect
) -> None:
    client = connect(shop).client
    answer = await client.query(queries.SHOP)
    assert answer.data["shop"]["currencyCode"] == "EUR"
    assert answer.version == "2026-10"
    assert answer.date is not None
    assert client.throttle.restore_rate == 20_000


@pytest.mark.parametrize(
    ("fault", "error", "said", "advised"),
    [
        ("401", AuthFailed, "token", "Check access token"),
        ("402", Permanent, "frozen", "Billing"),
        ("403", Forbidden, "may not", "scopes"),
        ("423", Permanent, "locked", "Support"),
        ("429", RateLimited, "slow down", "by itself"),
        ("500", Temporary, "500", "tries again"),
        ("502", Temporary, "502", "tries again"),
        ("internal", Temporary, "Internal error", "tries again"),
        ("html", Permanent, "something else", "shop domain"),
        ("truncated", Temporary, "cut off", "by itself"),
        ("cut", Temporary, "", ""),
    ],
)
async def test_each_refusal_has_its_own_advice(
    sandbox: Sandbox, shop: Store, connect: Connect, fault: str, error: type[ConnectorError], said: str, advised: str
) -> None:
    sandbox.control("shop", "fault", kind=fault, times=20)
    with pytest.raises(error) as wrong:
        await connect(shop).client.query(queries.SHOP, attempts=1)
    assert said in wrong.value.message
    assert advised in wrong.value.advice
    assert "shpat_" not in f"{wrong.value.message}{wrong.value.advice}{wrong.value.details}"


async def test_passing_trouble_is_tried_again(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="502", times=2)
    assert (await connect(shop).client.query(queries.SHOP)).data


async def test_an_empty_bucket_is_said_with_200_and_waited_for(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="throttled", times=1)
    assert (await connect(shop).client.query(queries.SHOP)).data


async def test_a_bucket_that_stays_empty_is_the_engines_to_sit_out(
    sandbox: Sandbox, shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.connectors.shopify.client.random.uniform", lambda low, high: 0.0)
    sandbox.control("shop", "fault", kind="throttled", times=20)
    with pytest.raises(RateLimited) as wrong:
        await connect(shop).client.query(queries.SHOP)
    assert wrong.value.retry_after is not None


async def test_the_second_query_waits_for_the_points_that_the_first_took(connect: Connect) -> None:
    slow = spec(shopify=ShopifyOptions(points=300, restore_rate=400), orders=60)
    async with Sandbox([slow]) as running:
        client = connect(running.store("shop")).client
        document, variables = queries.listing("customers", ()), {"first": 60, "after": None, "query": None}
        began = time.monotonic()
        for _ in range(5):
            await client.query(document, variables)
        assert time.monotonic() - began > 0.15
        assert client.throttle.restore_rate == 400


async def test_an_unknown_shop_and_another_site_are_told_apart(connect: Connect, shop: Store) -> None:
    with pytest.raises(NotFound) as wrong:
        await connect(shop, shop_domain="nobody.myshopify.com").client.query(queries.SHOP)
    assert "mystore.myshopify.com" in wrong.value.advice


async def test_a_field_that_the_app_may_not_read_names_its_scope(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_scopes", scopes="read_orders")
    with pytest.raises(Forbidden) as wrong:
        await connect(shop).client.query(queries.COUNTS["products"])
    assert "read_products" in wrong.value.message


async def test_a_query_that_does_not_fit_is_permanent(shop: Store, connect: Connect) -> None:
    with pytest.raises(Permanent, match="doesn't exist"):
        await connect(shop).client.query("query Wrong { shop { motto } }")


async def test_an_unquoted_date_is_refused_before_and_after_it_is_sent(
    shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, given = connect(shop).client, {"first": 5, "after": None, "query": "updated_at:>=2026-01-01T10:00:00Z"}
    with pytest.raises(Permanent, match="not quoted"):
        await client.query(queries.listing("customers", ()), given)
    monkeypatch.setattr("portal.connectors.shopify.search.check", lambda filters: filters)
    with pytest.raises(Permanent, match="did not understand a search"):
        await client.query(queries.listing("customers", ()), given)


async def test_client_id_and_secret_get_one_token_for_many_queries(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    gate = gate_of(sandbox)
    client = connect(shop, **app(shop)).client
    for _ in range(3):
        await client.query(queries.SHOP)
    again = connect(shop, **app(shop)).client
    await again.query(queries.SHOP)
    assert gate.granted == 1


async def test_a_token_that_ended_early_is_renewed_once(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    client = connect(shop, **app(shop)).client
    await client.query(queries.SHOP)
    sandbox.control("shop", "expire_tokens")
    await client.query(queries.SHOP)
    assert gate_of(sandbox).granted == 2
    sandbox.control("shop", "revoke_keys")
    with pytest.raises(AuthFailed, match="Client ID"):
        await client.query(queries.SHOP)


async def test_a_token_is_renewed_ahead_of_its_end(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    now = [0.0]
    tokens = Tokens(lambda: now[0])
    client = connect(shop, **app(shop)).client
    first = await tokens.get(client.shop, client.outbound, None)
    now[0] = 82_000.0
    assert await tokens.get(client.shop, client.outbound, None) == first
    now[0] = 83_000.0  # within the last hour of its 24
    assert await tokens.get(client.shop, client.outbound, None) != first


async def test_two_workers_that_renew_one_token_at_once_both_have_a_good_one(
    sandbox: Sandbox, shop: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = [connect(shop, **app(shop)).client for _ in range(2)]
    held = [Tokens(), Tokens()]  # each process has its own

    async def ask(worker: int) -> object:
        client, tokens = workers[worker], held[worker]
        monkeypatch.setattr(client, "_token", lambda: tokens.get(client.shop, client.outbound, None))
        return (await client.query(queries.SHOP)).data

    for _ in range(3):
        assert all(await asyncio.gather(*(ask(worker) for worker in (0, 1) * 10)))
        sandbox.control("shop", "expire_tokens")
        for tokens in held:
            tokens._held.clear()
    assert gate_of(sandbox).granted == 6, "one each time for each of the two, however many ask"


async def test_a_token_of_a_short_life_is_renewed_in_its_last_fifth(
    sandbox: Sandbox, shop: Store, connect: Connect
) -> None:
    sandbox.control("shop", "set_token_life", seconds=50)
    now = [0.0]
    tokens = Tokens(lambda: now[0])
    client = connect(shop, **app(shop)).client
    first = await tokens.get(client.shop, client.outbound, None)
    now[0] = 39.0
    assert await tokens.get(client.shop, client.outbound, None) == first
    now[0] = 41.0
    assert await tokens.get(client.shop, client.outbound, None) != first


async def test_a_permanent_token_that_is_refused_gives_way_to_client_id_and_secret(
    shop: Store, connect: Connect
) -> None:
    client = connect(shop, **app(shop) | {"access_token": "shpat_revoked"}).client
    assert (await client.query(queries.SHOP)).data
    assert client.fell_back


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda store: {"access_token": "shpat_wrong"}, "access token"),
        (lambda store: {"access_token": "", "client_id": "x", "client_secret": client_secret(store.spec)}, "Client ID"),
        (lambda store: app(store) | {"client_secret": "wrong"}, "Client ID"),
    ],
)
async def test_wrong_credentials_are_refused(
    shop: Store, connect: Connect, change: Callable[[Store], dict[str, Any]], message: str
) -> None:
    with pytest.raises(AuthFailed) as wrong:
        await connect(shop, **change(shop)).client.query(queries.SHOP)
    assert message in wrong.value.message
    assert "Check" in wrong.value.advice


async def test_without_the_operators_address_the_shops_own_is_asked(shop: Store) -> None:
    outbound = OutboundClient()
    try:
        client = Client(described(credentials(shop)), outbound, None)
        assert client.shop.base == "https://shop.myshopify.com"
    finally:
        await outbound.close()


def gate_of(sandbox: Sandbox) -> Any:
    return next(site for site in sandbox.sites if site.store.spec.name == "shop").api.gate  # type: ignore[attr-defined]
