"""Keys over http and https, and every refusal word for word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import time
from urllib.parse import quote

import aiohttp
import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from tests.sandbox.conftest import NOW, Shop, open_shop


def oauth(url: str, key: str, secret: str, query: dict[str, str], nonce: str, method: str = "GET") -> dict[str, str]:
    """OAuth 1.0a, one-legged, written from RFC 5849 and not from the sandbox's code."""
    given = query | {
        "oauth_consumer_key": key, "oauth_nonce": nonce, "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
    }  # fmt: skip
    pairs = "&".join(f"{quote(k, '~')}={quote(v, '~')}" for k, v in sorted(given.items()))
    base = f"{method}&{quote(url, '~')}&{quote(pairs, '~')}"
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return given | {"oauth_signature": base64.b64encode(digest).decode()}


async def test_plain_http_wants_oauth() -> None:
    async with open_shop(basic_over_http=False) as shop:
        spec, url = shop.store.spec, f"{shop.store.site_url}/wp-json/wc/v3/orders"
        basic = await shop.ask("GET", "orders")
        assert basic.status == 401
        assert basic.body["code"] == "woocommerce_rest_cannot_view"
        query = {"per_page": "1", "search": "Müller & Söhne"}
        signed = oauth(url, spec.consumer_key, spec.consumer_secret, query, "n1")
        async with shop.session.get(url, params=signed) as answer:
            assert answer.status == 200
        async with shop.session.get(url, params=signed) as replay:
            assert replay.status == 401
            assert "nonce" in (await replay.json())["message"]
        async with shop.session.get(url, params=oauth(url, spec.consumer_key, "cs_no", {}, "n2")) as answer:
            wrong = await answer.json()
        assert wrong["message"] == "Invalid signature - provided signature does not match."
        async with shop.session.get(url, params=oauth(url, "ck_no", "cs_no", {}, "n3")) as answer:
            assert (await answer.json())["message"] == "Consumer key is invalid."


async def test_https_takes_basic_and_the_query_string_form(tmp_path: object) -> None:
    sandbox = Sandbox([SandboxStoreSpec("shop", orders=5, now=NOW)])
    await sandbox.start(tls=True)
    try:
        spec, url = sandbox.store("shop").spec, f"{sandbox.store('shop').site_url}/wp-json/wc/v3/orders"
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(sandbox.ca_file))
        async with aiohttp.ClientSession() as session:
            header = {"Authorization": aiohttp.encode_basic_auth(spec.consumer_key, spec.consumer_secret)}
            async with session.get(url, headers=header, ssl=trusting) as answer:
                assert answer.status == 200
            query = {"consumer_key": spec.consumer_key, "consumer_secret": spec.consumer_secret}
            async with session.get(url, params=query, ssl=trusting) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(url)
    finally:
        await sandbox.stop()


async def test_a_host_that_strips_the_header_leaves_the_query_string_form() -> None:
    async with open_shop(strip_authorization=True) as shop:
        assert (await shop.ask("GET", "orders")).status == 401
        spec = shop.store.spec
        query = {"consumer_key": spec.consumer_key, "consumer_secret": spec.consumer_secret}
        assert (await shop.ask("GET", "orders", key="", **query)).status == 200


async def test_wrong_keys_are_told_apart(big: Shop) -> None:
    url = f"{big.store.site_url}/wp-json/wc/v3/orders"
    for pair, code, message in (
        (("ck_unknown", "x"), "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
        ((big.store.spec.consumer_key, "x"), "woocommerce_rest_authentication_error", "Consumer secret is invalid."),
    ):
        async with big.session.get(url, headers={"Authorization": aiohttp.encode_basic_auth(*pair)}) as answer:
            assert answer.status == 401
            assert await answer.json() == {"code": code, "message": message, "data": {"status": 401}}


async def test_a_read_only_key_that_writes_gets_401_not_403(shop: Shop) -> None:
    answer = await shop.ask("POST", "products", key="readonly", json={"name": "x"})
    assert answer.status == 401
    assert answer.body["message"] == "The API key provided does not have write permissions."
    assert (await shop.ask("GET", "orders", key="readonly")).status == 200
    refused = await shop.ask("GET", "orders", key="writeonly")
    assert refused.body["message"] == "The API key provided does not have read permissions."


async def test_revoked_keys_stop_working_and_come_back(shop: Shop) -> None:
    shop.control("revoke_keys")
    assert (await shop.ask("GET", "orders")).body["code"] == "woocommerce_rest_cannot_view"
    shop.control("restore_keys")
    assert (await shop.ask("GET", "orders")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing", 404, "rest_no_route"),
        ("PATCH", "orders", 404, "rest_no_route"),
        ("GET", "orders/99999999", 404, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "products/99999999", 404, "woocommerce_rest_product_invalid_id"),
        ("GET", "customers/99999999", 404, "wc_user_invalid_id"),
        ("GET", "orders?per_page=0", 400, "rest_invalid_param"),
        ("GET", "orders?page=x", 400, "rest_invalid_param"),
        ("GET", "orders?orderby=total", 400, "rest_invalid_param"),
        ("GET", "orders?modified_after=2026-02-30T00:00:00", 400, "rest_invalid_param"),
    ],
)
async def test_refusals(big: Shop, method: str, path: str, status: int, code: str) -> None:
    path, _, query = path.partition("?")
    given = dict([query.split("=")]) if query else {}
    answer = await big.ask(method, path, **given)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["data"]["status"] == status


async def test_a_bad_parameter_is_named_in_every_place(big: Shop) -> None:
    answer = await big.ask("GET", "orders", after="2026-06-01")
    assert answer.body["message"] == "Invalid parameter(s): after"
    assert answer.body["data"]["params"] == {"after": "Invalid date."}
    assert answer.body["data"]["details"]["after"]["code"] == "rest_invalid_date"
    answer = await big.ask("GET", "orders", status="nope")
    assert answer.body["data"]["params"]["status"].startswith("status[0] is not one of any, trash,")


async def test_a_wrong_site_path_is_an_html_404(big: Shop) -> None:
    for url in (f"{big.store.site_url}/no-such-page/", f"{big.sandbox.url}/other-shop/wp-json/wc/v3/orders"):
        async with big.session.get(url) as answer:
            assert answer.status == 404
            assert answer.content_type == "text/html"


async def test_another_namespace_is_a_json_404(big: Shop) -> None:
    async with big.session.get(f"{big.store.site_url}/wp-json/wc/v9/orders") as answer:
        assert answer.status == 404
        assert (await answer.json())["code"] == "rest_no_route"


async def test_a_body_that_is_no_json_is_refused(shop: Shop) -> None:
    answer = await shop.ask("POST", "products", data=b'{"name": ')
    assert answer.status == 400
    assert answer.body["code"] == "rest_invalid_json"
    assert answer.body["data"]["json_error_message"] == "Syntax error"
