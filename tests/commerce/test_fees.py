from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from portal.commerce.records import Fee
from tests.commerce.made import NOON, Store, deleted, order


def fee(external_id: str = "t1:Commission", amount: str = "3.45", version: int = 0) -> Fee:
    return Fee(
        external_id=external_id,
        modified_at=NOON + timedelta(minutes=version),
        order_id="1",
        kind="Commission",
        amount=Decimal(amount),
        currency="EUR",
        charged_at=NOON,
    )


async def test_a_fee_is_kept_beside_its_order_and_is_no_revenue(store: Store) -> None:
    await store.write(order(total="100"), fee())
    [row] = await store.rows("SELECT order_id, kind, amount, currency, deleted_at FROM fees")
    assert row == {
        "order_id": "1",
        "kind": "Commission",
        "amount": Decimal("3.45"),
        "currency": "EUR",
        "deleted_at": None,
    }
    assert await store.net() == 100


async def test_only_a_newer_or_other_copy_of_a_fee_counts_as_a_change(store: Store) -> None:
    assert (await store.write(fee())).changed == {"fees": 1}
    assert (await store.write(fee())).changed == {}
    assert (await store.write(fee(amount="3.50", version=1))).changed == {"fees": 1}
    assert (await store.write(fee(amount="1", version=-1))).changed == {}
    [row] = await store.rows("SELECT amount FROM fees")
    assert row["amount"] == Decimal("3.50")


async def test_a_deleted_fee_is_marked(store: Store) -> None:
    await store.write(fee())
    assert (await store.write(deleted("t1:Commission", of="fees"))).changed == {"fees": 1}
