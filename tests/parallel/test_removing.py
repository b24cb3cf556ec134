"""A source that is removed: its days go to the one it was switched with, at once; files do not come back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.parallel import switching
from portal.parallel.sides import every, mark
from portal.stores.connection import load
from portal.sync.removal import clearing, removing
from portal.tenancy.scope import tenant
from tests.parallel.conftest import Both, day, make_both, sale


@pytest.fixture
async def both(rt: Runtime, org: UUID) -> Both:
    """Two sources, nothing in them yet."""
    return await make_both(rt, org)


async def remove(both: Both, which: int) -> removing.Going:
    async with tenant(both.rt.database, both.org) as scope:
        connection = await load(scope, which)
        going = await removing.going(scope, connection)
        await removing.begin(scope, connection, by="Ada")
    return going


async def restated(both: Both) -> list[dict[str, Any]]:
    return await both.rows("SELECT connection_id, day, after_revenue, reasons FROM restatements ORDER BY day")


async def test_its_days_go_to_the_heir_and_what_changes_is_restated(both: Both) -> None:
    await both.write(both.old, [sale(5, "10", "1"), sale(4, "20", "2")])
    await both.write(both.new, [sale(5, "11", "1"), sale(4, "20", "2"), sale(3, "30", "3")])
    await both.switch(day(4))
    assert await both.by_day() == {day(5): Decimal(10), day(4): Decimal(20), day(3): Decimal(30)}
    going = await remove(both, both.old)
    assert (going.counted, going.revenue, going.heir) == (1, Decimal(10), "Shop API")
    # Before one row is deleted: the new one counts all days, the old one none.
    assert await both.by_day() == {day(5): Decimal(11), day(4): Decimal(20), day(3): Decimal(30)}
    (row,) = [each for each in await restated(both) if "source_removed" in each["reasons"]]
    assert (row["connection_id"], row["day"], row["after_revenue"]) == (both.new, day(5), Decimal(11))
    await clearing.clear(both.rt)
    assert await both.by_day() == {day(5): Decimal(11), day(4): Decimal(20), day(3): Decimal(30)}


async def test_removing_the_new_one_gives_the_days_back(both: Both) -> None:
    await both.write(both.old, [sale(5, "10", "1"), sale(4, "20", "2")])
    await both.write(both.new, [sale(5, "11", "1"), sale(4, "21", "2")])
    await both.switch(None)
    assert await both.by_day() == {day(5): Decimal(11), day(4): Decimal(21)}
    assert (await remove(both, both.new)).heir == "Uploaded files"
    assert await both.by_day() == {day(5): Decimal(10), day(4): Decimal(20)}


async def test_one_in_shadow_goes_without_a_trace_in_the_numbers(both: Both) -> None:
    await both.write(both.old, [sale(5, "10", "1")])
    await both.write(both.new, [sale(5, "99", "1")])
    going = await remove(both, both.new)
    assert (going.orders, going.counted, going.revenue, going.heir) == (1, 0, Decimal(0), "")
    assert await both.by_day() == {day(5): Decimal(10)}
    assert not [each for each in await restated(both) if "source_removed" in each["reasons"]]


async def test_uploaded_rows_do_not_come_back_with_the_next_file(both: Both) -> None:
    async with tenant(both.rt.database, both.org) as scope:
        upload = await scope.sql.fetchval(
            """INSERT INTO uploads (org_id, kind, filename, bytes, sha256, status) VALUES ($1, 'orders', 'a.csv', 1, '', 'done')
               RETURNING id""",
            both.org,
        )
        await scope.sql.execute(
            """INSERT INTO upload_entries (org_id, upload_id, key, position, line, family, entry)
               VALUES ($1, $2, '1', 1, 2, 'orders', '{}')""",
            both.org,
            upload,
        )
    assert (await remove(both, both.old)).uploads == 1
    assert await both.rows("SELECT status FROM uploads") == [{"status": "undone"}]
    await clearing.clear(both.rt)
    assert await both.rows("SELECT id FROM uploads") == []
    assert await both.rows("SELECT key FROM upload_entries") == []


async def test_the_last_one_that_counts_is_said_and_what_is_left_in_shadow_can_count(both: Both) -> None:
    await both.write(both.old, [sale(5, "10", "1")])
    await both.write(both.new, [sale(5, "11", "1")])
    assert (await remove(both, both.old)).last
    assert await both.by_day() == {}
    async with tenant(both.rt.database, both.org) as scope:
        (left,) = await every(scope)
        await switching.set_shadow(scope, left.id, shadow=False, seen=mark(left))
    assert await both.by_day() == {day(5): Decimal(11)}
