"""One row that cannot be stored among several pages of one commit: it is told, everything else is in the ledger."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from portal.commerce.records import Order, OrderStatus
from portal.connectors.woocommerce import mapping_orders
from portal.sandbox import Sandbox
from portal.sync.engine import Outcome
from portal.sync.proof.healing import heal
from portal.sync.proof.outcomes import latest
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect
from tests.sync.proof.test_pages import spoil

LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9_000))
SPOILT: dict[str, dict[str, Any]] = {
    "half a character": {"note": "\ud800"},
    "a key too long for an index": {"customer_email": LONG, "status": OrderStatus.PROCESSING},
    "no currency": {"currency": None},
    "a total that is no number": {"total": Decimal("NaN")},
    "a total without end": {"total": Decimal("Infinity")},
    "a tax that PostgreSQL would not even read": {"total_tax": Decimal("sNaN")},
}


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_row_that_cannot_be_stored_is_told_and_costs_no_other(
    kind: str, own_sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = mapping_orders.order

    def spoilt(row: object, seen_at: datetime) -> Order | None:
        found = mapped(row, seen_at)
        if found is not None and found.external_id.endswith("7"):
            fields = {"customer_id": None} | SPOILT[kind]
            return msgspec.structs.replace(found, **fields)
        return found

    monkeypatch.setattr(mapping_orders, "order", spoilt)
    shop = await connect(own_sandbox)
    assert await shop.sync("first") is Outcome.SUCCESS
    drafts = {"checkout-draft", "auto-draft"}
    wanted = [str(each.id) for each in shop.store.orders.values() if each.status not in drafts]
    bad = [each for each in wanted if each.endswith("7")]
    assert bad
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1") == len(wanted) - len(bad)
    told = "SELECT array_agg(external_id) FROM sync_rejects WHERE connection_id = $1 AND reason LIKE 'The row cannot be stored%'"
    assert sorted(await shop.value(told)) == sorted(bad)
    monkeypatch.setattr(mapping_orders, "order", mapped)
    assert await shop.sync("manual") is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


@pytest.mark.parametrize("kind", SPOILT)
async def test_one_row_that_cannot_be_stored_is_named_and_does_not_keep_a_heal_from_the_others(
    kind: str, own_sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await connect(own_sandbox)
    assert await shop.sync("first") is Outcome.SUCCESS
    ids = await spoil(shop)
    mapped = mapping_orders.order

    def spoilt(row: object, seen_at: datetime) -> Order | None:
        found = mapped(row, seen_at)
        if found is not None and found.external_id == ids["different"]:
            return msgspec.structs.replace(found, **({"customer_id": None} | SPOILT[kind]))
        return found

    monkeypatch.setattr(mapping_orders, "order", spoilt)
    done = await heal(shop.rt, shop.org, shop.connection_id, "orders")
    assert (done.asked, done.healed) == (3, 2)
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        left = (await latest(scope, shop.connection_id))["orders"]
    assert left.to_heal == [ids["different"]]
    assert left.lists["different"][0].why.startswith("The row cannot be stored")
    told = "SELECT array_agg(external_id) FROM sync_rejects WHERE connection_id = $1"
    assert await shop.value(told) == [ids["different"]]
    monkeypatch.setattr(mapping_orders, "order", mapped)
    assert (await heal(shop.rt, shop.org, shop.connection_id, "orders")).healed == 1
    assert await shop.value(told) is None
    await shop.assert_equal_to_truth()
