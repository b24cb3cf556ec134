from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from portal.connectors.findings import ConnectionTest
from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.sandbox.server import Sandbox
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store
from tests.connectors.conftest import Connect, Reach
from tests.connectors.woocommerce.odd_shop import odd_shop


def granted(found: ConnectionTest) -> dict[str, bool | None]:
    return {each.name: each.granted for each in found.permissions}


def advice(found: ConnectionTest) -> str:
    return "\n".join(found.advice)


async def test_a_good_key_shows_everything_the_store_says(shop: Store, connect: Connect) -> None:
    found = await connect(shop).test()
    assert found.success
    assert set(granted(found).values()) == {True}
    assert (found.store.name, found.store.currency, found.store.timezone) == (shop.spec.title, "EUR", "Europe/Berlin")
    assert found.sample["orders"] == sum(o.status not in ("trash", "checkout-draft") for o in shop.orders.values())
    assert found.sample["customers"] == len(shop.customers)
    assert found.response_time >= 0
    assert found.status == "warning"
    assert "plain http" in advice(found)
    assert "may also change orders" in advice(found)
    assert not shop.webhooks, "the test leaves nothing behind"


async def test_a_read_only_key_works_and_says_what_is_missing(shop: Store, connect: Connect) -> None:
    keys = {"consumer_key": shop.spec.readonly_key, "consumer_secret": shop.spec.readonly_secret}
    found = await connect(shop, **keys).test()
    assert found.success
    assert granted(found)["write_webhooks"] is False
    assert granted(found)["read_orders"] is True
    assert "polling" in advice(found)


async def test_a_write_only_key_is_forbidden(shop: Store, connect: Connect) -> None:
    keys = {"consumer_key": shop.spec.writeonly_key, "consumer_secret": shop.spec.writeonly_secret}
    found = await connect(shop, **keys).test()
    assert (found.success, found.status) == (False, "forbidden")
    assert granted(found)["read_orders"] is False
    assert granted(found)["read_products"] is None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"consumer_key": "ck_unknown"}, "auth_failed"),
        ({"consumer_secret": "cs_wrong"}, "auth_failed"),
        ({"api_version": "wc/v9"}, "not_found"),
        ({"site_url": "http://127.0.0.1:9"}, "unreachable"),
        ({"site_url": "not a url"}, "error"),
        ({"timeout": "900"}, "error"),
    ],
)
async def test_a_failing_store_is_a_finding_and_not_an_exception(
    shop: Store, connect: Connect, fields: dict[str, Any], status: str
) -> None:
    found = await connect(shop, **fields).test()
    assert (found.success, found.status) == (False, status)
    assert found.advice
    assert found.sample == {"orders": None, "products": None, "customers": None}


@pytest.mark.parametrize(
    ("fault", "status"), [("html", "error"), ("429", "rate_limited"), ("500", "unreachable"), ("garbage", "error")]
)
async def test_a_broken_store_has_its_word_and_advice(
    sandbox: Sandbox, shop: Store, connect: Connect, fault: str, status: str
) -> None:
    sandbox.control("shop", "fault", kind=fault, times=30)
    found = await connect(shop).test()
    assert (found.success, found.status) == (False, status)
    assert len(found.advice) == 2


async def test_a_silent_store_is_told_from_an_absent_one(sandbox: Sandbox, shop: Store, connect: Connect) -> None:
    sandbox.control("shop", "fault", kind="silence", seconds=3, times=9)
    found = await connect(shop, timeout="1").test()
    assert (found.success, found.status) == (False, "timeout")


async def test_not_verifying_the_certificate_is_a_warning(connect: Connect) -> None:
    sandbox = Sandbox([SandboxStoreSpec(name="tls", orders=3, strip_authorization=True)])
    await sandbox.start(tls=True)
    try:
        found = await connect(sandbox.store("tls"), verify_ssl="false").test()
        assert (found.success, found.status) == (True, "warning")
        assert "certificate is not verified" in advice(found)
        assert "removes the Authorization header" in advice(found)
        assert sandbox.ca_file is not None
        trusted = await connect(sandbox.store("tls"), ca_pem=sandbox.ca_file.read_text()).test()
        assert "certificate is not verified" not in advice(trusted)
        refused = await connect(sandbox.store("tls")).test()
        assert (refused.success, refused.status) == (False, "certificate_error")
        assert "Ensure HTTPS is properly configured" in advice(refused)
    finally:
        await sandbox.stop()


async def test_clock_skew_and_missing_rights_are_found(reach: Reach) -> None:
    def answer(request: web.Request) -> web.StreamResponse:
        late = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "X-WP-Total": "3"}
        if request.path.endswith("/customers"):
            told = {"code": "woocommerce_rest_cannot_view", "message": "no", "data": {"status": 403}}
            return web.json_response(told, status=403, headers=late)
        if request.method == "POST":
            return web.json_response({"code": "x_invalid_topic", "message": "no"}, status=400, headers=late)
        return web.json_response([{"id": 1}], headers=late)

    async with odd_shop() as odd:
        odd.answer = answer
        fields = {"site_url": odd.url, "consumer_key": "ck_1", "consumer_secret": "cs_1"}
        found = await WooCommerceConnector(fields, reach(odd.url), None).test()
    assert (found.success, found.status) == (True, "warning")
    assert granted(found)["read_customers"] is False
    assert "behind ours" in advice(found)
    assert "shop manager" in advice(found)
    assert (found.store.currency, found.store.timezone) == (None, None)
