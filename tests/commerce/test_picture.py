"""The picture: which connections count for which days. Every number over connections is asked of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from portal.commerce import queries
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import reading, tenant
from tests.commerce.made import NOON, Store, connect, line, order, product, refund

TODAY = NOON.date()


async def counts(store: Store, *, since: date | None = None, until: date | None = None, shadow: bool = False) -> None:
    """Let the store count for these days only."""
    async with tenant(store.rt.database, store.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET counts_from = $2, counts_until = $3, shadow = $4 WHERE id = $1",
            store.connection_id, since, until, shadow,
        )  # fmt: skip


@pytest.fixture
async def other(rt: Runtime, org: UUID, store: Store) -> Store:
    """A second source of the same organization."""
    return await connect(rt, org)


async def looked_at(store: Store, query: object, **kwargs: object) -> object:
    """The answer with this one store looked at."""
    async with reading(store.rt.database, store.org, store=store.connection_id) as connection:
        await connection.execute("SELECT set_config('app.now', $1, true)", NOON.isoformat())
        return await query(connection, **kwargs)  # type: ignore[operator]


async def test_a_store_in_shadow_counts_for_nothing_and_is_seen_alone(store: Store, other: Store):
    await store.write(order("1", total="100", lines=(line("A", total="100"),)))
    await other.write(order("9", total="7", lines=(line("B", total="7"),)), refund(order_id="9", amount="2"))
    await other.write(product("1", "B", "3"))
    await counts(other, shadow=True)
    pulse = await store.ask(queries.sales_pulse)
    assert (pulse["total_revenue"], pulse["total_orders"]) == (100, 1)
    assert [sku["sku"] for sku in pulse["top_5_skus"]] == ["A"]
    assert pulse["revenue_14d"][-1] == 100
    assert [row["external_id"] for row in (await store.ask(queries.orders_page))[0]] == ["1"]
    assert not (await store.ask(queries.inventory_summary))["known"]
    alone = await looked_at(other, queries.sales_pulse)
    assert (alone["total_revenue"], alone["total_orders"], alone["revenue_14d"][-1]) == (5, 1, 5)
    assert [row["external_id"] for row in (await looked_at(other, queries.orders_page))[0]] == ["9"]
    assert (await looked_at(other, queries.inventory_summary))["items"] == 1


async def test_only_a_store_in_shadow_is_nothing_known(store: Store):
    await store.write(order())
    await counts(store, shadow=True)
    pulse = await store.ask(queries.sales_pulse)
    assert not pulse["known"]
    assert pulse["total_revenue"] is None


async def test_each_day_is_of_one_source_and_so_is_each_hour_at_its_edge(store: Store, other: Store):
    await store.configure(timezone="Asia/Kolkata")
    midnight = NOON.replace(hour=18, minute=30) - timedelta(days=1)  # in Kolkata, the day before NOON's
    for each, total in ((store, "100"), (other, "7")):
        await each.write(
            order("1", total=total, at=midnight - timedelta(seconds=1)),
            order("2", total=total, at=midnight),
            refund("r1", order_id="1", amount="3", at=midnight),
        )
    await counts(store, until=TODAY)
    await counts(other, since=TODAY)
    pulse = await store.ask(queries.sales_pulse)
    assert pulse["date"] == TODAY
    assert pulse["total_revenue"] == 7 - 3
    assert pulse["revenue_14d"][-2:] == [100, 4]
    rows, _ = await store.ask(queries.orders_page)
    assert [(row["connection_id"], row["external_id"]) for row in rows] == [
        (other.connection_id, "2"), (store.connection_id, "1"),
    ]  # fmt: skip
    assert len((await store.ask(queries.orders_page, day="today"))[0]) == 1


async def test_stock_is_of_the_store_that_counts_today_with_what_its_predecessor_sold(store: Store, other: Store):
    for each in (store, other):
        await each.write(
            product("1", "A", "30"),
            *(order(str(n), at=NOON - timedelta(days=n), lines=(line("A"),)) for n in range(20)),
        )
    await counts(store, until=TODAY - timedelta(days=5))
    await counts(other, since=TODAY - timedelta(days=5))
    async with tenant(store.rt.database, store.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET succeeded_by = $2 WHERE id = $1",
            store.connection_id,
            other.connection_id,
        )
    [item] = await store.rows("SELECT connection_id, quantity_available, units_sold_30d FROM v_inventory_items")
    assert item == {"connection_id": other.connection_id, "quantity_available": 30, "units_sold_30d": 20}
    [row], _ = await looked_at(store, queries.products_page, show="all")  # type: ignore[misc]
    assert row["units_sold_30d"] == 20


async def test_a_page_of_one_store_goes_on_with_that_store(store: Store, other: Store):
    for each in (store, other):
        await each.write(*(order(str(n), at=NOON - timedelta(hours=n)) for n in range(7)))
    seen, after = [], None
    while True:
        rows, after = await looked_at(other, queries.orders_page, after=after, limit=3)  # type: ignore[misc]
        seen += [(row["connection_id"], row["external_id"]) for row in rows]
        if after is None:
            break
    assert seen == [(other.connection_id, str(n)) for n in range(7)]


async def test_a_detail_says_whether_its_day_counts(store: Store):
    await store.write(order("1"), order("2", at=NOON - timedelta(days=2)))
    await counts(store, since=TODAY)
    found = [await store.ask(queries.order_detail, store.connection_id, key) for key in ("1", "2")]
    assert [one["in_picture"] for one in found] == [True, False]


async def test_stores_stand_beside_each_other(store: Store, other: Store):
    await store.rate("EUR", "1.5")
    await store.write(order("1", total="30"), order("2", total="20", currency="EUR"), refund(order_id="1", amount="10"))
    await other.write(order("9", total="50"), order("8", total="5", currency="JPY"))
    first, second = await store.ask(queries.stores_today)
    assert {first["connection_id"], second["connection_id"]} == {store.connection_id, other.connection_id}
    mine, theirs = sorted((first, second), key=lambda row: row["connection_id"])
    assert (mine["revenue"], mine["own"], mine["orders"]) == (50, [("EUR", 20), ("USD", 20)], 2)
    assert (theirs["revenue"], theirs["orders"], theirs["unconverted_orders"]) == (50, 2, 1)
    assert mine["share_pct"] is theirs["share_pct"] is None, "an order without a rate: the whole is not known"
    await other.write(order("8", total="5", currency="EUR", version=1), minutes=1)
    shares = {row["connection_id"]: row["share_pct"] for row in await store.ask(queries.stores_today)}
    assert shares == {store.connection_id: Decimal("46.5"), other.connection_id: Decimal("53.5")}
    pulse = await store.ask(queries.sales_pulse)
    assert pulse["total_revenue"] == Decimal("107.50")
    await counts(other, shadow=True)
    rows = await store.ask(queries.stores_today)
    assert [(row["counts"], row["share_pct"]) for row in rows] == [("today", 100), ("shadow", None)]


async def test_a_store_of_another_organization_shows_nothing(rt: Runtime, store: Store, other_org: UUID):
    await store.write(order(), product())
    async with reading(rt.database, other_org, store=store.connection_id) as connection:
        assert await connection.fetch("SELECT * FROM v_picture") == []
        assert (await queries.orders_page(connection))[0] == []
        assert await queries.stores_today(connection) == []
        assert (await queries.sales_pulse(connection))["total_revenue"] is None


async def test_the_choice_of_a_store_ends_with_its_transaction(rt: Runtime, store: Store):
    async with rt.database.pool().acquire() as connection:
        await connection.execute(f"BEGIN READ ONLY; SET LOCAL app.store = '{store.connection_id}'")
        await connection.execute("ROLLBACK")
        assert await connection.fetchval("SELECT portal_store()") is None
