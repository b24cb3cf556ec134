"""A WooCommerce store that has its orders in print: serving them costs next to nothing, so the portal is what is measured.

A thousand orders of the sandbox, each with as many items as asked for, stand for any number of them under other ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from portal.bench.child import Answering
from portal.connectors.woocommerce.listing import FIELDS
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import REVENUE_STATUSES, Store
from portal.sandbox.woocommerce.order_json import order_json

_ID = 987_654_321_987
_DIFFERENT = 1_000


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: orders, lines (items of each). Ready: as of `store`."""
    orders, whole, listed = setup["orders"], *_print(setup["lines"])

    async def collection(request: web.Request) -> web.Response:
        asked = request.query
        if request.match_info["path"] != "orders" or asked.get("status") == "trash":
            return _json(b"[]", 0)
        offset, size = int(asked.get("offset", 0)), int(asked.get("per_page", 10))
        if asked.get("orderby") == "modified":  # the newest one, descending
            offset = orders - size
        printed = listed if "_fields" in asked else whole
        rows = (printed[n % len(printed)].replace(b"%d" % _ID, b"%d" % (n + 1)) for n in range(offset, orders)[:size])
        return _json(b"[" + b",".join(rows) + b"]", orders)

    app = web.Application()
    app.router.add_get("/wp-json/wc/v3/{path:.*}", collection)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    ready = {
        "platform": "woocommerce",
        "credentials": {
            "site_url": f"http://{address}",
            "consumer_key": f"ck_{'0' * 40}",
            "consumer_secret": f"cs_{'0' * 40}",
            "auth_method": "basic",
        },
        "settings": {"outbound_allow": [address]},
    }

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        return ready

    yield answer
    await runner.cleanup()


def _print(lines: int) -> tuple[list[bytes], list[bytes]]:
    """Orders whole, and as a list of ids shows them."""
    store = Store(SandboxStoreSpec(name="printed", seed=7, orders=_DIFFERENT))
    sold = [row for row in store.orders.values() if row.status in REVENUE_STATUSES]
    orders: list[dict[str, Any]] = [order_json(store, row) for row in sorted(sold, key=lambda each: each.id)]
    items = [line for order in orders for line in order["line_items"]]
    for number, order in enumerate(orders):
        order["refunds"], order["id"], order["number"] = [], _ID, str(_ID)
        order["line_items"] = [items[(number * lines + place) % len(items)] for place in range(lines)]
    listed = [{name: order[name] for name in FIELDS["orders"].split(",")} for order in orders]
    return [msgspec.json.encode(order) for order in orders], [msgspec.json.encode(order) for order in listed]


def _json(body: bytes, total: int) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"X-WP-Total": str(total)})
