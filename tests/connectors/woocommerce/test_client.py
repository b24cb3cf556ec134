from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from aiohttp import web

from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.connectors.woocommerce.site import Site
from portal.foundation.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Temporary,
)
from portal.sandbox.server import Sandbox
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store
from tests.connectors.conftest import Connect, Reach
from tests.connectors.woocommerce.odd_shop import OddShop, odd_shop

ONE = {"per_page": "1"}


@pytest.fixture
async def odd() -> AsyncIterator[OddShop]:
    async with odd_shop() as running:
        yield running


@pytest.fixture
def client(odd: OddShop, reach: Reach) -> Client:
    return Client(
        Site(base=odd.url, key="ck_1", secret="cs_1", auth="basic", fall_back=True, timeout=2), reach(odd.url), None
    )


def said(odd: OddShop, status: int, body: str, **headers: str) -> None:
    odd.answer = lambda _: web.Response(status=status, text=body, headers=headers)


async def test_oauth_over_plain_http_reads_rows_and_the_stores_clock(shop: Store, connect: Connect) -> None:
    answer = await connect(shop).client.get("orders", {"per_page": "2", "search": "é & +"})
    assert answer.total is not None
    assert answer.date is not None
    assert answer.date.tzinfo is not None


async def test_basic_over_plain_http_is_refused_by_the_store(shop: Store, connect: Connect) -> None:
    with pytest.raises(AuthFailed) as wrong:
        await connect(shop, auth_method="basic").client.get("orders", ONE)
    assert "Check consumer key/secret" in wrong.value.advice


@pytest.mark.parametrize("strip", [False, True])
async def test_over_https_the_key_goes_by_header_and_by_address_where_the_header_is_stripped(
    connect: Connect, strip: bool
) -> None:
    sandbox = Sandbox([SandboxStoreSpec(name="tls", orders=3, strip_authorization=strip)])
    await sandbox.start(tls=True)
    try:
        assert sandbox.ca_file is not None
        connector = connect(sandbox.store("tls"), ca_pem=sandbox.ca_file.read_text())
        assert len((await connector.client.get("orders", ONE)).rows) == 1
        assert connector.client.used_auth == ("query" if strip else "basic")
        assert len((await connector.client.get("orders", ONE)).rows) == 1
        careless = connect(sandbox.store("tls"), verify_ssl="false")
        assert (await careless.client.get("orders", ONE)).rows
        with pytest.raises(ConnectorError) as wrong:
            await connect(sandbox.store("tls")).client.get("orders", ONE)
        assert isinstance(wrong.value, Permanent)
    finally:
        await sandbox.stop()


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"consumer_key": "ck_unknown"}, AuthFailed, "Check consumer key/secret"),
        ({"consumer_secret": "cs_wrong"}, AuthFailed, "Check consumer key/secret"),
        ({"api_version": "wc/v9"}, NotFound, "Verify site URL and API version"),
    ],
)
async def test_wrong_keys_and_versions_are_told_apart(
    shop: Store, connect: Connect, fields: dict[str, str], kind: type[ConnectorError], words: str
) -> None:
    with pytest.raises(kind) as wrong:
        await connect(shop, **fields).client.get("orders", ONE)
    assert words in wrong.value.advice
    assert "cs_wrong" not in str(wrong.value.details)


async def test_a_wrong_folder_is_not_found_with_advice(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    with pytest.raises(NotFound) as wrong:
        await connect(shop, site_url=f"{sandbox.url}/nowhere").client.get("orders", ONE)
    assert "Permalinks" in wrong.value.advice


async def test_a_write_only_key_is_forbidden_to_read(shop: Store, connect: Connect) -> None:
    keys = {"consumer_key": shop.spec.writeonly_key, "consumer_secret": shop.spec.writeonly_secret}
    with pytest.raises(Forbidden, match="only write"):
        await connect(shop, **keys).client.get("orders", ONE)


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "words"),
    [
        (200, "<!DOCTYPE html><p>Wartung", {}, Permanent, "web page"),
        (200, "<br />\n<b>Warning</b>: x in y.php\n[]", {}, Permanent, "PHP messages"),
        (200, "", {}, Permanent, "empty"),
        (200, '[{"id": 1', {}, Temporary, "cut off"),
        (200, '{"id": oops}', {}, Permanent, "not valid JSON"),
        (200, "[" * 100_000, {}, ConnectorError, "JSON"),
        (301, "", {"Location": "https://www.x.test/wp-json/wc/v3/orders?a=1"}, Permanent, "redirects"),
        (401, "<h1>Authorization Required</h1>", {}, AuthFailed, "password of its own"),
        (403, "<h1>Blocked</h1>", {}, Forbidden, "refuses"),
        (403, '{"code":"woocommerce_rest_cannot_view","message":"no","data":{"status":403}}', {}, Forbidden, "key read"),
        (429, "", {"Retry-After": "7"}, RateLimited, "slow down"),
        (400, '{"code":"rest_invalid_param","message":"m","data":{"params":{"after":"Invalid date."}}}', {}, Permanent,
         "after: Invalid date"),
        (500, '{"code":"x","message":"Invalid refund amount.","data":500}', {}, Temporary, "Invalid refund amount"),
        (404, '{"code":"woocommerce_rest_shop_order_invalid_id","message":"m","data":[]}', {}, NotFound, "gone"),
    ],
)  # fmt: skip
async def test_each_odd_answer_has_its_error_with_advice(
    odd: OddShop,
    client: Client,
    status: int,
    body: str,
    headers: dict[str, str],
    kind: type[ConnectorError],
    words: str,
) -> None:
    said(odd, status, body, **headers)
    with pytest.raises(kind) as wrong:
        await client.get("orders", ONE, retries=0)
    assert words in wrong.value.message
    assert wrong.value.advice
    if isinstance(wrong.value, RateLimited):
        assert wrong.value.retry_after == 7


async def test_a_redirect_names_the_address_to_enter(odd: OddShop, client: Client) -> None:
    said(odd, 301, "", Location="https://www.x.test/wp-json/wc/v3/orders?consumer_key=ck_1")
    with pytest.raises(Permanent) as wrong:
        await client.get("orders", ONE)
    assert wrong.value.advice.endswith("https://www.x.test")


async def test_a_byte_order_mark_and_blank_lines_before_the_data_are_tolerated(odd: OddShop, client: Client) -> None:
    said(odd, 200, '\ufeff\n\n[{"id": 1, "price": 28.485}]')
    assert (await client.get("orders")).rows == [{"id": 1, "price": Decimal("28.485")}]


async def test_half_an_emoji_does_not_cost_the_page(odd: OddShop, client: Client) -> None:
    said(odd, 200, '[{"id": 1, "name": "cut \\ud83d", "price": 1.10}]')
    assert (await client.get("orders")).rows == [{"id": 1, "name": "cut \ud83d", "price": Decimal("1.10")}]


async def test_a_list_with_gaps_is_a_list(odd: OddShop, client: Client) -> None:
    said(odd, 200, '{"0": {"id": 1}, "2": {"id": 3}}')
    assert len((await client.get("orders")).rows) == 2
    said(odd, 200, '{"message": "hi"}')
    with pytest.raises(Permanent):
        _ = (await client.get("orders")).rows


async def test_the_fall_back_is_tried_once_and_not_for_a_wrong_secret(odd: OddShop, client: Client) -> None:
    said(odd, 401, '{"code":"woocommerce_rest_authentication_error","message":"Consumer secret is invalid."}')
    with pytest.raises(AuthFailed):
        await client.get("orders")
    assert len(odd.asked) == 1
    said(odd, 401, '{"code":"woocommerce_rest_cannot_view","message":"no"}')
    for expected in (3, 4):
        with pytest.raises(AuthFailed):
            await client.get("orders")
        assert len(odd.asked) == expected
    assert "consumer_secret" in odd.asked[2].query
    assert "Authorization" not in odd.asked[2].headers


async def test_sha1_is_signed_where_sha256_is_unknown(odd: OddShop, reach: Reach) -> None:
    client = Client(Site(base=odd.url, key="ck_1", secret="cs_1", auth="oauth1", timeout=2), reach(odd.url), None)

    def answer(request: web.Request) -> web.Response:
        if request.query["oauth_signature_method"] == "HMAC-SHA1":
            return web.json_response([{"id": 1}])
        told = {
            "code": "woocommerce_rest_authentication_error",
            "message": "Invalid signature - signature method is invalid.",
        }
        return web.json_response(told, status=401)

    odd.answer = answer
    assert (await client.get("orders")).rows == [{"id": 1}]


async def test_each_oauth_try_has_its_own_nonce(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="500", times=1)
    assert (await connect(shop).client.get("orders", ONE)).rows


@pytest.mark.parametrize("kind", ["cut", "truncated", "500", "502"])
async def test_what_usually_passes_is_temporary(sandbox: Sandbox, shop: Store, connect: Connect, kind: str) -> None:
    sandbox.control("shop", "fault", kind=kind, times=20)
    with pytest.raises(Temporary) as wrong:
        await connect(shop).client.get("orders", ONE, retries=0)
    assert wrong.value.advice


async def test_a_store_that_says_nothing_times_out(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="silence", seconds=4, times=5)
    with pytest.raises(Temporary):
        await connect(shop, timeout="1").client.get("orders", ONE, retries=0)


async def test_a_page_that_is_too_large_is_read_in_smaller_ones(odd: OddShop, reach: Reach) -> None:
    def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("orderby") == "modified":
            return web.json_response(
                [{"id": 30, "date_modified_gmt": "2026-03-01T00:00:00"}], headers={"X-WP-Total": "30"}
            )
        size, offset = int(request.query["per_page"]), int(request.query["offset"])
        if size > 12:
            return web.Response(body=b'[{"id":1,"x":"' + b"x" * (21 * 1024 * 1024) + b'"}]')
        rows = [{"id": number} for number in range(1, 31)][offset : offset + size]
        return web.json_response(rows, headers={"X-WP-Total": "30"})

    odd.answer = answer
    fields = {"site_url": odd.url, "consumer_key": "ck_1", "consumer_secret": "cs_1"}
    connector = WooCommerceConnector(fields, reach(odd.url), None)
    page = await connector.page("customers", None)
    assert page.fetched == 12
    assert page.next["size"] == 12
    later = await connector.page("customers", page.next)
    assert later.records[0].external_id == "12"


async def test_a_cache_that_repeats_one_page_is_noticed(odd: OddShop, client: Client) -> None:
    from portal.connectors.woocommerce.scan import Position, read_part

    odd.answer = lambda _: web.json_response([{"id": n} for n in range(1, 101)], headers={"X-WP-Total": "5000"})
    part = await read_part(client, "customers", {}, Position())
    with pytest.raises(Permanent, match="same page"):
        await read_part(client, "customers", {}, part.position)
