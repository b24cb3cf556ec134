"""What stores really hold: other currencies, impossible years, products that are gone. The rest of the numbers stays true."""

from __future__ import annotations

from decimal import Decimal
from html import unescape
from uuid import UUID

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.sync.engine import Outcome
from tests.conftest import SignIn
from tests.shops import connect, sync, today
from tests.visitors import Visitor

PULSE = "/api/v1/dashboard/sales-pulse"


async def pulse(visitor: Visitor) -> tuple[int, Decimal]:
    body = (await visitor.get(PULSE)).json()
    return body["total_orders"], Decimal(str(body["total_revenue"]))


async def test_odd_orders_and_products_change_no_other_number(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: Sandbox
) -> None:
    connection = await connect(rt, org, shop)
    shop.control("shop", "place_order", total="19.99")
    assert await sync(rt, org, connection) is Outcome.SUCCESS
    visitor = await sign_in("owner", org)
    orders, revenue = await pulse(visitor)
    assert (orders, revenue) == today(shop)

    odd = {
        "1970-01-01, which is not a believable date": {"created": "1970-01-01T00:00:01Z"},
        "2100-06-01, which is not a believable date": {"created": "2100-06-01T12:00:00Z"},
        "currency 'XTS' is not an ISO 4217 code": {"currency": "XTS"},
    }
    refused = {reason: shop.control("shop", "place_order", total="70.00", **how) for reason, how in odd.items()}
    foreign = shop.control("shop", "place_order", total="999.00", currency="JPY")
    gone = shop.control("shop", "place_order", lines=1, total="15.00")
    sold = next(iter(shop.store("shop").orders[gone["order_id"]].lines)).product
    shop.control("shop", "delete_product", sku=sold.sku)
    assert await sync(rt, org, connection) is Outcome.SUCCESS
    assert await pulse(visitor) == (orders + 2, revenue + Decimal("15.00"))
    assert "not in this total" in (await visitor.page("/dashboard")).text

    store_page = unescape((await visitor.page(f"/stores/{connection}")).text)
    assert "Not taken over" in store_page
    for reason, order in refused.items():
        assert reason in store_page
        assert f">{order['order_id']}<" in store_page
        assert (await visitor.page(f"/orders/{connection}/{order['order_id']}")).status == 404
    assert "no exchange rate" in (await visitor.page(f"/orders/{connection}/{foreign['order_id']}")).text
    assert (await visitor.page(f"/orders/{connection}/{gone['order_id']}")).status == 200
    for path in ("/orders", "/orders?day=1970-01-01", "/orders?day=2100-06-01", "/inventory?show=all", "/stores"):
        assert (await visitor.page(path)).status == 200, path
    assert sold.sku not in (await visitor.page(f"/inventory?show=all&q={sold.sku}")).text.replace(f'"{sold.sku}"', "")

    for order in refused.values():  # the store mends what was odd
        shop.control("shop", "force_delete", order=order["order_id"])
    shop.control("shop", "place_order", total="1.00")
    assert await sync(rt, org, connection) is Outcome.SUCCESS
    assert await pulse(visitor) == today(shop)


async def test_an_answer_of_20_megabytes_ends_the_run_with_advice_and_the_next_one_is_whole(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: Sandbox
) -> None:
    connection = await connect(rt, org, shop)
    assert await sync(rt, org, connection) is Outcome.SUCCESS
    visitor = await sign_in("owner", org)
    before = await pulse(visitor)
    shop.control("shop", "place_order", total="5.00")
    shop.control("shop", "fault", kind="huge", times=500, path="orders")
    assert await sync(rt, org, connection) is Outcome.FAILED
    assert await pulse(visitor) == before, "nothing wrong was written"
    page = (await visitor.page(f"/stores/{connection}")).text
    assert 'data-tone="bad"' in page
    shop.control("shop", "clear_faults")
    assert await sync(rt, org, connection) is Outcome.SUCCESS
    assert await pulse(visitor) == today(shop)
    assert today(shop)[1] == before[1] + Decimal("5.00")
