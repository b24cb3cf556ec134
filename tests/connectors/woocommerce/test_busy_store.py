"""A store that never stands still while it is read: whatever happens between two pages, the copy becomes equal."""

from __future__ import annotations

import random
from typing import Any

import pytest

from portal.commerce.records import Order
from portal.sandbox.asking import BadControl
from portal.sandbox.server import Sandbox
from portal.sandbox.store import Store
from tests.connectors.conftest import Connect
from tests.connectors.woocommerce.reading import one_page

_ACTIONS: list[dict[str, Any]] = [
    {"action": "place_order", "total": "5.00"},
    {"action": "edit_order"},
    {"action": "trash"},
    {"action": "restore"},
    {"action": "force_delete"},
    {"action": "bulk_edit", "count": 130},
    {"action": "refund", "amount": "0.50"},
]


def disturb(sandbox: Sandbox, shop: Store, dice: random.Random) -> None:
    for _ in range(dice.randrange(6)):
        given = dict(dice.choice(_ACTIONS))
        action = given.pop("action")
        if action in ("edit_order", "trash", "force_delete"):
            given["order"] = dice.choice(list(shop.orders))
        try:
            sandbox.control("shop", action, **given)
        except BadControl:
            continue


@pytest.mark.parametrize("seed", range(4))
async def test_the_copy_of_a_busy_store_becomes_equal(
    sandbox: Sandbox, shop: Store, connect: Connect, seed: int
) -> None:
    dice, connector = random.Random(seed), connect(shop)
    copy: dict[str, Order] = {}
    cursor: dict[str, Any] | None = None
    for round_number in range(4):
        for _ in range(30):
            page = await one_page(connector, "orders", cursor)
            cursor = page.next
            for record in page.records:
                assert isinstance(record, Order)
                if record.external_id not in copy or record.modified_at >= copy[record.external_id].modified_at:
                    copy[record.external_id] = record
            if page.caught_up:
                break
            if round_number < 3:
                disturb(sandbox, shop, dice)
        else:
            raise AssertionError("the stream does not catch up")
    live = {str(order.id): order for order in shop.orders.values() if order.status != "checkout-draft"}
    assert set(live) <= set(copy)
    for number, order in live.items():
        assert copy[number].source_status == order.status
        assert copy[number].total * 100 == order.total
        assert len(copy[number].refund_ids) == len(order.refunds)
