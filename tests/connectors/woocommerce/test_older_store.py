"""A store from before `/refunds` existed: its refunds are read through its orders."""

from __future__ import annotations

from decimal import Decimal

from aiohttp import web

from portal.connectors.woocommerce.connector import WooCommerceConnector
from tests.connectors.conftest import Reach
from tests.connectors.woocommerce import samples
from tests.connectors.woocommerce.odd_shop import odd_shop
from tests.connectors.woocommerce.reading import run


def answer(request: web.Request) -> web.StreamResponse:
    path = request.path.removeprefix("/wp-json/wc/v3/")
    if path == "refunds":
        return web.json_response({"code": "rest_no_route", "message": "No route", "data": {"status": 404}}, status=404)
    if path == "orders/501/refunds":
        row = samples.refund(date_created_gmt="2026-03-09T10:00:00")
        del row["parent_id"]
        return web.json_response([row], headers={"X-WP-Total": "1"})
    rows = [samples.order(), samples.order(id=502, refunds=[])] if request.query.get("status") == "any" else []
    return web.json_response(rows, headers={"X-WP-Total": str(len(rows))})


async def test_refunds_are_found_through_their_orders(reach: Reach) -> None:
    async with odd_shop() as odd:
        odd.answer = answer
        fields = {"site_url": odd.url, "consumer_key": "ck_1", "consumer_secret": "cs_1"}
        connector = WooCommerceConnector(fields, reach(odd.url), None)
        found = await run(connector, "refunds")
        assert [(row.external_id, row.order_id, row.amount) for row in found.records] == [
            ("601", "501", Decimal("5.00"))
        ]
        asked = len(odd.asked)
        again = await run(connector, "refunds", found.cursor)
        assert again.cursor["via"] == "orders"
        assert not any(request.path.endswith("v3/refunds") for request in odd.asked[asked:])
        listed = await connector.ids("refunds", None)
        assert (tuple(listed.ids), listed.finished) == (("601",), False)
        trash = await connector.ids("refunds", listed.next)
        assert (tuple(trash.ids), trash.finished) == ((), True)
        said = listed.listed["601"]
        assert (said.total, said.currency, said.business_at, said.dated) == (Decimal("5.00"), "EUR", None, False)
        assert await connector.glance("refunds", None) is None
