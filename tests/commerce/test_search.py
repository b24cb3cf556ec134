"""The search for orders: what it finds, whose, and by which index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.bench.rows import fill
from portal.commerce import queries
from portal.foundation.database import connect_once
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import reading, tenant
from tests.commerce.made import NOON, Store, connect, deleted, order


class Explaining:
    """A connection that keeps the plans of what it is asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def fetch(self, sql: str, *values: Any) -> Any:
        self.plans.append("\n".join(row[0] for row in await self._connection.fetch(f"EXPLAIN {sql}", *values)))
        return await self._connection.fetch(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.fixture
async def full(rt: Runtime, org: UUID, database_url: str) -> UUID:
    """The organization with 3,000 orders over a year, of customers 0 to 996, vacuumed."""
    admin = await connect_once(database_url)
    await fill(admin, [org], [3000])
    await admin.close()
    return org


async def found(where: Store, search: str, **kwargs: Any) -> list[str]:
    return [row["external_id"] for row in (await where.ask(queries.orders_page, search=search, **kwargs))[0]]


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("ada", ["1", "2"]),
        ("LOVE", ["1"]),
        ("love ada", ["1"]),
        ("o'brien", ["2"]),
        ("#1001", ["1"]),
        ("100", ["1", "3"]),
        ("hr-100%", ["3"]),
        ("ADA.o'b@ex", ["2"]),
        ("müller", ["3"]),
        ("  ada  ", ["1", "2"]),
        ("velace", []),  # not the beginning of a word
        ("%", []),
        ("' | '", []),
        ("\\' & x:*@y\\", []),
        ("x" * 5000, []),
        ("a " * 5000, ["1", "2"]),
    ],
)
async def test_every_word_begins_a_word_of_the_order(store: Store, search: str, ids: list[str]):
    await store.write(
        order("1", number="#1001", customer_name="Ada Lovelace", customer_email="a@example.com"),
        order("2", number="7", customer_name="Ada O'Brien", customer_email="ada.o'b@Example.com"),
        order("3", number="HR-100%", customer_name="Jo\u00a0Müller"),
        order("4", number="", customer_name="", customer_email=""),
    )
    assert sorted(await found(store, search)) == ids


async def test_an_order_is_found_by_what_it_is_called_now(store: Store):
    await store.write(order("1", customer_name="Ada"), order("2", customer_name="Ada"))
    await store.write(order("1", customer_name="Bob", version=1), deleted("2"), minutes=1)
    assert (await found(store, "ada"), await found(store, "bob")) == ([], ["1"])


async def test_another_organizations_orders_are_not_found(rt: Runtime, store: Store, other_org: UUID):
    neighbour = await connect(rt, other_org)
    await store.write(order("1", customer_name="Ada"))
    await neighbour.write(order("9", customer_name="Ada"))
    assert (await found(store, "ada"), await found(neighbour, "ada")) == (["1"], ["9"])
    async with reading(rt.database, other_org, store=store.connection_id) as connection:
        assert (await queries.orders_page(connection, search="ada", store=store.connection_id))[0] == []
        assert await connection.fetchval("SELECT current_user") == await connection.fetchval("SELECT session_user")


async def test_the_search_keeps_to_the_picture_the_status_and_the_day(rt: Runtime, store: Store):
    other = await connect(rt, store.org)
    await store.write(order("1", customer_name="Ada"), order("2", customer_name="Ada", at=NOON - timedelta(days=1)))
    await other.write(order("9", customer_name="Ada"))
    assert sorted(await found(store, "ada")) == ["1", "2", "9"]
    assert await found(store, "ada", day="2026-03-09") == ["2"]
    assert await found(store, "ada", status="cancelled") == []
    choices: list[dict[str, Any]] = [{}, {"status": "processing"}]
    for narrowed in choices:
        rows, _ = await store.ask(queries.orders_page, search="ada", store=other.connection_id, **narrowed)
        assert [row["external_id"] for row in rows] == ["9"]
        rows, _ = await store.ask(queries.orders_page, store=other.connection_id, **narrowed)
        assert [row["external_id"] for row in rows] == ["9"]
    async with tenant(rt.database, store.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET shadow = true WHERE id = $1", other.connection_id)
    assert sorted(await found(store, "ada")) == ["1", "2"]
    async with reading(rt.database, store.org, store=other.connection_id) as connection:
        assert [row["external_id"] for row in (await queries.orders_page(connection, search="ada"))[0]] == ["9"]


async def test_pages_of_a_search_hold_each_order_once_however_old(rt: Runtime, full: UUID):
    """Customers of whom few are among the newest thousand, and one that all have."""
    for search, expected in (("customer 77", 3 + 30), ("customer", 3000)):
        seen: list[str] = []
        after = None
        while True:
            async with reading(rt.database, full) as connection:
                rows, after = await queries.orders_page(
                    connection, search=search, after=after, limit=500 if expected > 99 else 10
                )
            seen += [row["external_id"] for row in rows]
            if after is None:
                break
        assert seen == sorted(seen, key=int, reverse=True)
        assert len(set(seen)) == len(seen) == expected


async def test_lists_and_searches_of_orders_read_no_table_whole(rt: Runtime, full: UUID):
    """A plan that turns into a scan fails nothing with three orders, and takes seconds with half a million."""
    async with reading(rt.database, full) as connection:
        asked = Explaining(connection)
        page, after = await queries.orders_page(asked)
        [connection_id] = {row["connection_id"] for row in page}
        await queries.orders_page(asked, after=after)
        await queries.orders_page(asked, day="today")
        await queries.orders_page(asked, status="processing", store=connection_id)
        lists = len(asked.plans)
        await queries.order_detail(asked, connection_id, "77")
        await queries.orders_page(asked, search="zzz")
    assert not [plan for plan in asked.plans if "Seq Scan on orders" in plan or "Seq Scan on refunds" in plan]
    assert all("using orders_when on orders" in plan and "Sort" not in plan for plan in asked.plans[:lists])
    assert any("Bitmap Index Scan on orders_words" in plan for plan in asked.plans)
