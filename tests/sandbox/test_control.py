"""The control desk: by JSON, by form, and with helpful refusals."""

from __future__ import annotations

from typing import Any

import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.control import ACTIONS
from tests.sandbox.conftest import NOW, Shop


async def post(shop: Shop, given: Any, path: str = "/shop/_control") -> tuple[int, Any]:
    async with shop.session.post(shop.sandbox.url + path, json=given) as answer:
        return answer.status, await answer.json()


async def test_an_order_with_a_wished_total_appears_in_the_api(shop: Shop) -> None:
    status, done = await post(shop, {"action": "place_order", "total": 42.5, "currency": "chf", "lines": 2})
    assert (status, done["total"], done["currency"], done["lines"]) == (200, "42.50", "CHF", 2)
    row = await shop.get(f"orders/{done['order_id']}")
    assert (row["total"], row["status"], row["date_paid"] is None) == ("42.50", "processing", False)
    newest = (await shop.get("orders", per_page=1))[0]
    assert newest["id"] == done["order_id"]


async def test_lines_customers_and_old_dates_can_be_chosen(shop: Shop) -> None:
    product = next(p for p in shop.store.sellables() if p.managed and p.parent is None)
    customer = next(iter(shop.store.customers.values()))
    done = shop.control(
        "place_order",
        lines=[{"sku": product.sku, "quantity": 3}],
        customer=customer.person.email,
        created="1970-01-02T00:00:00Z",
        status="completed",
    )
    row = await shop.get(f"orders/{done['order_id']}")
    assert row["customer_id"] == customer.id
    assert row["date_created_gmt"] == "1970-01-02T00:00:00"
    assert row["line_items"][0]["quantity"] == 3


async def test_an_order_of_the_year_2100_is_possible(shop: Shop) -> None:
    done = shop.control("place_order", created="2100-01-01T00:00:00Z")
    assert (await shop.get(f"orders/{done['order_id']}"))["date_created_gmt"].startswith("2100")


async def test_every_action_runs_without_parameters(shop: Shop) -> None:
    needs = {"fault": {"kind": "slow", "seconds": 0}, "set_now": {"now": "2026-06-18T00:00:00Z"}}
    for action in ACTIONS:
        status, done = await post(shop, {"action": action, **needs.get(action, {})})
        assert status == 200, (action, done)
        assert done["action"] == action


async def test_a_bulk_edit_gives_many_orders_one_second(shop: Shop) -> None:
    done = shop.control("bulk_edit", count=25)
    assert len({shop.store.orders[number].modified for number in done["orders"]}) == 1
    assert len(done["orders"]) == 25


async def test_selling_out_and_restocking(shop: Shop) -> None:
    sku = shop.control("sell_out")["sku"]
    assert shop.control("restock", sku=sku, quantity=12)["stock_quantity"] == 12


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"action": "explode"}, "action"),
        ({}, "action"),
        ({"action": "place_order", "totl": 5}, "totl"),
        ({"action": "place_order", "total": "much"}, "total"),
        ({"action": "place_order", "status": "shipped"}, "status"),
        ({"action": "place_order", "currency": "euros"}, "currency"),
        ({"action": "place_order", "lines": 101}, "lines"),
        ({"action": "place_order", "lines": [{"sku": "nope"}]}, "sku"),
        ({"action": "place_order", "customer": "nobody@example.test"}, "customer"),
        ({"action": "refund", "order": 999_999_999}, "order"),
        ({"action": "refund", "amount": "1000000"}, "amount"),
        ({"action": "fault", "kind": "fire"}, "kind"),
        ({"action": "fault", "kind": "slow", "seconds": 1e9}, "seconds"),
        ({"action": "fault", "kind": "500", "times": 0}, "times"),
        ({"action": "set_now", "now": "tomorrow"}, "now"),
        ({"store": "other", "action": "trash"}, "store"),
    ],
)
async def test_a_wrong_request_names_the_field(big: Shop, given: dict[str, Any], field: str) -> None:
    status, body = await post(big, given)
    assert status == 400
    assert body["details"]["field"] == field
    assert isinstance(body["details"]["allowed"], list)


async def test_a_body_that_is_no_object_is_refused(big: Shop) -> None:
    for raw in (b"[]", b"{", b"\xff"):
        headers = {"Content-Type": "application/json"}
        async with big.session.post(f"{big.sandbox.url}/_control", data=raw, headers=headers) as answer:
            assert answer.status == 400


async def test_the_page_works_by_forms(shop: Shop) -> None:
    async with shop.session.get(f"{shop.sandbox.url}/") as answer:
        page = await answer.text()
    assert "Place order" in page
    assert shop.store.spec.consumer_key in page
    form = {"action": "place_order", "total": "12,00"}
    async with shop.session.post(f"{shop.store.site_url}/_control", data=form) as answer:
        assert answer.status == 400
        assert "total" in await answer.text()
    form["total"] = "12.00"
    async with shop.session.post(f"{shop.store.site_url}/_control", data=form) as answer:
        assert answer.status == 200
        assert "total: 12.00" in await answer.text()
    async with shop.session.get(f"{shop.sandbox.url}/_sandbox.css") as answer:
        assert answer.content_type == "text/css"


async def test_a_note_on_the_page_is_escaped(shop: Shop) -> None:
    form = {"action": "place_order", "status": "<script>"}
    async with shop.session.post(f"{shop.store.site_url}/_control", data=form) as answer:
        assert "<script>" not in await answer.text()


async def test_stores_of_one_sandbox_are_independent() -> None:
    specs = [
        SandboxStoreSpec("north", seed=1, orders=20, now=NOW),
        SandboxStoreSpec("south", seed=2, orders=20, now=NOW),
    ]
    async with Sandbox(specs) as sandbox:
        before = len(sandbox.store("south").orders)
        sandbox.control("north", "place_order")
        assert len(sandbox.store("north").orders) == 21
        assert len(sandbox.store("south").orders) == before
        assert sandbox.store("north").spec.consumer_key != sandbox.store("south").spec.consumer_key


async def test_a_taken_port_is_an_os_error(shop: Shop) -> None:
    port = int(shop.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Sandbox([SandboxStoreSpec("x", orders=0)]).start(port=port)
