"""Every comparison leaves a row that says how many rows and how much money both sides have, what differed, what was healed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from portal.connectors.answers import IdPage
from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.foundation.errors import Temporary
from portal.sandbox import Sandbox
from portal.sandbox.basket import charge
from portal.sandbox.rows import Order
from portal.sync.engine import Outcome
from portal.sync.housekeeping import keep_house
from portal.sync.proof.outcomes import Comparison, latest
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    """A store read once."""
    made = await connect(own_sandbox)
    await made.sync("first")
    return made


async def proof(shop: Shop) -> dict[str, Comparison]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return await latest(scope, shop.connection_id)


@contextmanager
def listing(change: Callable[[str, IdPage], IdPage]) -> Any:
    """The store's lists of ids, changed on their way."""
    true_ids = WooCommerceConnector.ids

    async def ids(self: WooCommerceConnector, stream: str, cursor: Any) -> IdPage:
        return change(stream, await true_ids(self, stream, cursor))

    WooCommerceConnector.ids = ids  # type: ignore[method-assign]
    try:
        yield
    finally:
        WooCommerceConnector.ids = true_ids  # type: ignore[method-assign]


def an_order(shop: Shop, place: int = 3) -> Order:
    return [row for row in shop.store.orders.values() if row.status == "completed"][place]


def edit_silently(order: Order, cents: int = 777) -> None:
    """As a plug-in writing straight into the database does: another total, the old stamp."""
    order.fee = charge("Nachtrag", cents, order.person._replace(country=""))
    order.settle()


async def test_a_first_reading_of_a_small_store_is_proven_at_once(shop: Shop) -> None:
    found = await proof(shop)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("orders", "refunds", "products", "customers"), "even"
    )
    drafts = sum(row.status == "checkout-draft" for row in shop.store.orders.values())
    assert found["orders"].ours == found["orders"].theirs == len(shop.store.orders) - drafts
    assert found["customers"].theirs == len(shop.store.customers)
    assert found["orders"].money_ours == found["orders"].money_theirs
    assert found["orders"].money_theirs is not None
    kept = [row for row in shop.store.orders.values() if row.status not in {"checkout-draft", "trash"}]
    for currency, total in found["orders"].money_theirs.items():
        assert total * 100 == sum(row.total for row in kept if row.currency == currency)
    assert found["customers"].money_ours is None


async def test_refunds_are_compared_with_their_money(shop: Shop) -> None:
    found = (await proof(shop))["refunds"]
    assert found.money_theirs is not None
    assert found.money_ours == found.money_theirs
    assert sum(found.money_theirs.values()) * 100 == sum(each.amount for each in shop.store.refunds.values())
    assert found.days
    assert all(day.even for day in found.days)


async def test_a_refund_with_another_amount_there_is_different_and_healed_to_the_cent(shop: Shop) -> None:
    refund = min(shop.store.refunds.values(), key=lambda each: each.id)
    for _ in range(12):  # the stream itself reads the last ten again
        shop.control("refund", order=shop.control("place_order", total="50.00")["order_id"], amount="1.00")
    await shop.sync()
    before = (await proof(shop))["refunds"].money_ours
    refund.amount += 100
    await shop.sync()
    found = (await proof(shop))["refunds"]
    assert (found.state, found.different, found.missing, found.extra) == ("healed", 1, 0, 0)
    [changed] = found.lists["different"]
    assert changed.id == str(refund.id)
    assert changed.ours["total"] != changed.theirs["total"]
    assert found.money_ours == found.money_theirs != before
    assert all(day.even for day in found.days)
    await shop.assert_equal_to_truth()


async def test_a_refund_whose_order_could_not_be_taken_over_makes_no_day_uneven(shop: Shop) -> None:
    made = shop.control("place_order", total="50.00", currency="QQQ")
    shop.control("refund", order=made["order_id"], amount="5.00")
    await shop.sync()
    found = (await proof(shop))["refunds"]
    assert found.state == "even"
    assert "QQQ" not in (found.money_theirs or {})


async def test_the_last_days_are_the_same_on_both_sides(shop: Shop) -> None:
    shop.control("place_order", total="12.34")
    await shop.sync()
    days = (await proof(shop))["orders"].days
    assert days
    assert all(day.even for day in days)
    assert len({day.day for day in days}) <= 60
    rolled = await shop.value(
        "SELECT sum(orders) FROM daily_sales WHERE connection_id = $1 AND day > now() - interval '60 d'"
    )
    assert sum(day.ours for day in days) >= rolled


async def test_a_force_deleted_order_is_extra_and_healed(shop: Shop) -> None:
    order = an_order(shop)
    shop.control("force_delete", order=order.id)
    await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.extra, found.missing, found.different, found.left) == ("healed", 1, 0, 0, 0)
    [gone] = found.lists["extra"]
    assert (gone.id, gone.healed, gone.ours["status"]) == (str(order.id), True, "completed")
    assert found.ours == found.theirs
    assert found.money_ours == found.money_theirs
    await shop.assert_equal_to_truth()
    await shop.sync()
    assert (await proof(shop))["orders"].state == "even"


async def test_an_order_edited_without_a_stamp_is_different_and_healed_to_the_cent(shop: Shop) -> None:
    order = an_order(shop)
    before = order.total
    edit_silently(order)
    assert order.total == before + 777
    await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.different, found.extra, found.missing) == ("healed", 1, 0, 0)
    [changed] = found.lists["different"]
    assert changed.ours["total"] != changed.theirs["total"]
    await shop.assert_equal_to_truth()


async def test_an_order_of_a_store_put_back_from_a_backup_is_healed(shop: Shop) -> None:
    order = an_order(shop)
    shop.control("edit_order", order=order.id, status="processing")
    await shop.sync()
    order.status, order.modified = "completed", order.modified - 90_000
    edit_silently(order, 123)
    await shop.sync()
    assert (await proof(shop))["orders"].different == 1
    await shop.assert_equal_to_truth()


async def test_a_trashed_order_is_even_also_when_a_delivery_deleted_it(shop: Shop) -> None:
    order = an_order(shop)
    shop.control("trash", order=order.id)
    await shop.sync()
    assert (await proof(shop))["orders"].state == "even"
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE orders SET deleted_at = now() - interval '1 hour' WHERE external_id = $1", str(order.id)
        )
    await shop.sync()
    found = (await proof(shop))["orders"]
    assert found.state == "even"
    assert found.ours == found.theirs


async def test_a_row_the_list_leaves_out_is_asked_for_and_kept(shop: Shop) -> None:
    order = str(an_order(shop).id)

    def hide(stream: str, page: IdPage) -> IdPage:
        return msgspec.structs.replace(page, ids=[each for each in page.ids if each != order])

    with listing(hide):
        await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.extra) == ("even", 0)
    assert found.ours == found.theirs
    await shop.assert_equal_to_truth()


async def test_a_row_deleted_here_by_mistake_comes_back_with_its_old_stamp(shop: Shop) -> None:
    order = an_order(shop)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE orders SET deleted_at = now() - interval '1 hour' WHERE external_id = $1", str(order.id)
        )
    await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.missing) == ("healed", 1)
    assert await shop.held() == shop.true()


async def test_a_row_that_cannot_be_taken_over_stays_missing_with_its_reason(shop: Shop) -> None:
    made = shop.control("place_order", total="5.00", currency="QQQ")
    await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.missing, found.left) == ("different", 1, 1)
    assert (found.ours or 0) + 1 == found.theirs
    assert found.money_ours is not None
    assert found.money_theirs is not None
    assert found.money_ours.pop("QQQ") == 0
    assert (found.money_theirs.pop("QQQ"), found.money_theirs) == (5, found.money_ours)
    assert [(day.currency, day.ours, day.theirs) for day in found.days if not day.even] == [("QQQ", 0, 1)]
    [lost] = found.lists["missing"]
    assert lost.id == str(made["order_id"])
    assert "QQQ" in lost.why


async def test_an_order_placed_while_we_compare_is_no_difference(shop: Shop) -> None:
    placed = []

    def place(stream: str, page: IdPage) -> IdPage:
        if stream == "customers" and not placed:  # after the orders were read, before their ids are
            placed.append(shop.control("place_order", total="9.00"))
        return page

    streams = ("products", "orders", "refunds", "customers")
    assert streams  # the manifest's order: products are compared first
    with listing(lambda stream, page: place("customers", page) if stream == "products" else page):
        await shop.sync()
    assert placed
    found = (await proof(shop))["orders"]
    assert found.state == "even"
    await shop.assert_equal_to_truth()


async def test_a_store_that_suddenly_lists_almost_nothing_deletes_nothing(sandbox: Sandbox, connect: Connect) -> None:
    shop = await connect(sandbox)
    await shop.sync("first")
    kept = (await proof(shop))["orders"].ours

    def cut(stream: str, page: IdPage) -> IdPage:
        return msgspec.structs.replace(page, ids=page.ids[:10], next={}, finished=True) if stream == "orders" else page

    with listing(cut):
        await shop.sync()
    found = (await proof(shop))["orders"]
    assert found.state == "different"
    assert "Nothing was deleted" in found.reason
    assert len(found.lists["extra"]) == 100
    assert found.ours == kept
    await shop.assert_equal_to_truth()


async def test_a_comparison_that_cannot_be_made_is_unknown_with_its_reason_and_repeated(shop: Shop) -> None:
    def fail(stream: str, page: IdPage) -> IdPage:
        raise Temporary("No list of ids today.", "Ask again tomorrow.")

    with listing(fail):
        assert await shop.sync() is Outcome.SUCCESS
        assert await shop.sync("schedule") is Outcome.SUCCESS
    found = (await proof(shop))["orders"]
    assert (found.state, found.ours, found.reason) == ("unknown", None, "No list of ids today. Ask again tomorrow.")
    assert await shop.value("SELECT count(*) FROM reconciliations WHERE connection_id = $1 AND state = 'unknown'") == 4
    await shop.sync("schedule")
    assert (await proof(shop))["orders"].state == "even"


async def test_a_platform_that_hides_older_rows_is_compared_by_what_it_lists(shop: Shop) -> None:
    def hide(stream: str, page: IdPage) -> IdPage:
        return msgspec.structs.replace(page, ids=page.ids[5:], complete=False)

    with listing(hide):
        await shop.sync()
    found = (await proof(shop))["orders"]
    assert (found.state, found.complete, found.extra) == ("even", False, 0)
    assert found.ours == found.theirs


async def test_old_comparisons_are_forgotten_but_the_newest(shop: Shop) -> None:
    await shop.sync()
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE reconciliations SET at = now() - interval '91 days'")
    await keep_house(shop.rt)
    assert await shop.value("SELECT count(*) FROM reconciliations WHERE connection_id = $1") == 4
    assert len(await proof(shop)) == 4
