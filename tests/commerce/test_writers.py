"""Several writers at once: nothing is lost, nothing waits for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from portal.commerce.ledger import Writing
from portal.commerce.rebuild import rebuild
from portal.commerce.rollups import FIRSTS
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, connect, deleted, line, order, refund


async def test_two_stores_of_one_organization_are_written_at_the_same_time(rt: Runtime, org: UUID):
    one, two = await connect(rt, org), await connect(rt, org)

    async def fill(store: Store) -> None:
        for n in range(15):
            await store.write(
                *(
                    order(str(n * 10 + k), total="1", at=NOON + timedelta(days=k), customer_id=str(k))
                    for k in range(10)
                ),
                refund(f"r{n}", order_id=str(n * 10), amount="0.50"),
            )

    await asyncio.wait_for(
        asyncio.gather(fill(one), fill(two), fill(one), rebuild(rt, org), fill(two), rebuild(rt, org)), 60
    )
    assert await one.net() == 2 * (150 - 15 * 0.5)
    [row] = await one.rows("SELECT sum(orders)::int AS orders, sum(new_customers)::int AS new FROM daily_sales")
    assert row == {"orders": 300, "new": 20}
    assert (await one.rows("SELECT version FROM tenant_versions"))[0]["version"] == 15 * 2 + 2


async def test_a_customers_first_order_is_looked_up_in_its_own_index_whatever_statistics_believe(store: Store):
    async with tenant(store.rt.database, store.org) as scope:
        await Writing.begin(scope, store.org, store.connection_id, arrived_at=NOON)
        asked = (store.org, store.connection_id, ["ada@example.com"])
        plan = "\n".join(row[0] for row in await scope.sql.fetch(f"EXPLAIN {FIRSTS}", *asked))
    assert "Index Scan using orders_customer" in plan, plan
    assert "Sort" not in plan, plan


async def test_two_writers_of_one_store_count_an_order_once(store: Store):
    copies = [order("1", total=str(n), version=n, lines=(line(quantity=str(n)),)) for n in range(1, 9)]
    written = await asyncio.wait_for(
        asyncio.gather(*(store.write(copy) for copy in copies), store.write(copies[-1])), 30
    )
    assert await store.net() == 8
    assert (await store.rows("SELECT units FROM daily_sku_sales")) == [{"units": 8}]
    versions = [w.version for w in written if w.changed]
    assert len(set(versions)) == len(versions), "every change has a version of its own"


async def test_a_writer_does_not_wait_for_another_store_until_it_commits(rt: Runtime, org: UUID):
    one, two = await connect(rt, org), await connect(rt, org)
    inside, go = asyncio.Event(), asyncio.Event()

    async def linger(scope: object) -> None:
        inside.set()
        await go.wait()

    slow = asyncio.create_task(one.write(order(), within=linger))
    await asyncio.wait_for(inside.wait(), 10)
    await asyncio.wait_for(two.write(order()), 10)
    go.set()
    assert (await slow).version == 2


async def test_removing_a_store_waits_for_its_writer_and_takes_every_row(rt: Runtime, org: UUID):
    store, other = await connect(rt, org), await connect(rt, org)
    await other.write(order("9", total="5"))
    inside = asyncio.Event()

    async def remove() -> None:
        await inside.wait()
        async with tenant(rt.database, org) as scope:
            await scope.sql.execute("DELETE FROM client_api_credentials WHERE id = $1", store.connection_id)

    async def tell(scope: object) -> None:
        inside.set()
        await asyncio.sleep(0.1)

    removing = asyncio.create_task(remove())
    await store.write(order(lines=(line(),)), refund(), deleted("7"), within=tell)
    await asyncio.wait_for(removing, 10)
    tables = ("orders", "order_lines", "refunds", "early_deletions", "daily_sales", "daily_sku_sales")
    left = {t: (await other.rows(f"SELECT count(*) AS n FROM {t}"))[0]["n"] for t in tables}
    assert left == {
        "orders": 1,
        "order_lines": 0,
        "refunds": 0,
        "early_deletions": 0,
        "daily_sales": 1,
        "daily_sku_sales": 0,
    }
