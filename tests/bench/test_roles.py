"""The bench's stores say what a real one would: a portal that misread them would be measured on something else."""

from __future__ import annotations

import json

import pytest
from aiohttp import ClientSession

from portal.bench.overheard import Overheard
from portal.bench.roles import printed_store
from portal.bench.roles.deliveries import ORDERS, deliveries
from portal.connectors.woocommerce import webhooks
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.scan import Position, read_part
from portal.connectors.woocommerce.site import site
from portal.foundation.outbound import OutboundClient

DOORS = [{"path": f"/webhooks/woocommerce/{name}", "secret": f"secret of {name}"} for name in ("one", "two")]


def test_deliveries_are_signed_for_their_store_and_each_tells_newer_things_of_its_order() -> None:
    seen: dict[tuple[str, int], str] = {}
    for number, request in enumerate(deliveries(DOORS, 80, 4 * ORDERS)):
        head, body = request.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        door = DOORS[number % 2]
        assert first == f"POST {door['path']} HTTP/1.1"
        assert webhooks.verify(headers, body, door["secret"])
        order = json.loads(body)
        assert order["customer_note"] == str(number)
        key = door["path"], order["id"]
        assert seen.get(key, "") < order["date_modified_gmt"]
        seen[key] = order["date_modified_gmt"]
    assert len(seen) == 2 * ORDERS


async def test_the_printed_store_is_read_to_its_end_and_the_same_requests_can_be_made_again() -> None:
    async with printed_store.role({"orders": 250, "lines": 5}) as ask:
        ready = await ask({"do": "ready"})
        outbound = OutboundClient(allow=ready["settings"]["outbound_allow"])
        heard = Overheard(outbound)
        client = Client(site(ready["credentials"]), outbound, None)
        position, finished = Position(), False
        read: dict[object, int] = {}
        while not finished:
            part = await read_part(client, "orders", {"status": "any"}, position)
            position, finished = part.position, part.finished
            read |= {row["id"]: len(row["line_items"]) for row in part.rows if isinstance(row, dict)}
        await outbound.close()
        again = await heard.again()
    assert read == dict.fromkeys(range(1, 251), 5)
    assert (again["requests"], again["refused"]) == (3, 0)
    assert again["bytes"] > 250 * 3_000


@pytest.mark.parametrize("name", ["orders", "products"])
async def test_the_printed_store_has_nothing_in_its_trash_and_only_orders(name: str) -> None:
    async with printed_store.role({"orders": 3, "lines": 1}) as ask, ClientSession() as session:
        base = (await ask({"do": "ready"}))["credentials"]["site_url"]
        async with session.get(f"{base}/wp-json/wc/v3/{name}?status=trash") as answer:
            assert await answer.json() == []
