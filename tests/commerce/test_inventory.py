from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.commerce import queries
from tests.commerce.made import NOON, Store, connect, deleted, line, order, product

OLD = NOON - timedelta(days=200)


def sales(units: str, sku: str | None = "LAMP", **fields: Any) -> Any:
    return order("s", at=NOON - timedelta(days=3), lines=(line(sku, units, "10", **fields),))


async def test_the_documented_sample_comes_out_exactly(store: Store):
    """3 left, 18 sold in 30 days, 14 days of lead time and 2 of safety."""
    await store.write(product(sku="ENGINE-SBC-350", name="Small Block Chevy 350 Engine"), sales("18", "ENGINE-SBC-350"))
    [alert] = await store.ask(queries.inventory_alerts)
    shown = {name: alert[name] for name in alert if name not in ("connection_id", "item", "product_id")}
    assert shown == {
        "sku": "ENGINE-SBC-350", "product_name": "Small Block Chevy 350 Engine", "alert_type": "low_stock",
        "alert_severity": "high", "quantity_available": 3, "days_of_cover": 5, "reorder_point": 10, "units_sold_30d": 18,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "sold", "expected"),
    [
        ("0", "1", ("out_of_stock", "critical", 0)),
        ("-2", "1", ("out_of_stock", "critical", 0)),
        ("0", "0", ("out_of_stock", "medium", None)),
        ("4", "30", ("low_stock", "critical", 4)),
        ("5", "30", ("low_stock", "high", 5)),
        ("13", "30", ("low_stock", "high", 13)),
        ("14", "30", ("low_stock", "medium", 14)),
        ("16", "30", ("low_stock", "medium", 16)),
        ("17", "30", None),
        ("180", "30", None),
        ("181", "30", ("overstock", "low", 181)),
        ("6", "0", None),
        ("7", "0", ("overstock", "low", None)),
    ],
)
async def test_which_stock_alerts_how_severely(store: Store, quantity: str, sold: str, expected: Any):
    await store.write(product(quantity=quantity, created_at=OLD), sales(sold))
    found = await store.ask(queries.inventory_alerts)
    assert [(a["alert_type"], a["alert_severity"], a["days_of_cover"]) for a in found] == (
        [expected] if expected else []
    )


async def test_the_stores_own_threshold_makes_stock_low_without_sales(store: Store):
    await store.write(product(quantity="5", low_stock_threshold=5))
    [alert] = await store.ask(queries.inventory_alerts)
    assert (alert["alert_type"], alert["alert_severity"], alert["days_of_cover"]) == ("low_stock", "medium", None)


async def test_a_new_product_is_not_overstocked_for_want_of_sales(store: Store):
    await store.write(product(quantity="500", created_at=NOON - timedelta(days=29)))
    assert await store.ask(queries.inventory_alerts) == []


async def test_the_organizations_own_days_are_used(store: Store):
    await store.configure(lead_time_days=30, safety_days=5, overstock_days=20)
    await store.write(product(quantity="21"), sales("30"), product("2", "B", "34", created_at=OLD))
    found = {a["sku"]: (a["alert_type"], a["reorder_point"]) for a in await store.ask(queries.inventory_alerts)}
    assert found == {"LAMP": ("low_stock", 35), "B": ("overstock", 0)}


async def test_stock_that_is_not_tracked_is_unknown_unless_the_store_says_it_is_out(store: Store):
    await store.write(product(quantity=None), product("2", "B", None, stock_status="out_of_stock"))
    [alert] = await store.ask(queries.inventory_alerts)
    assert (alert["sku"], alert["alert_type"], alert["quantity_available"]) == ("B", "out_of_stock", None)
    counts = await store.ask(queries.inventory_summary)
    assert (counts["items"], counts["untracked_items"], counts["total_alerts"]) == (2, 1, 1)


async def test_a_duplicate_sku_is_one_item_with_the_stock_of_both(store: Store):
    await store.write(product("1", quantity="2"), product("2", quantity="1"), sales("18"))
    [alert] = await store.ask(queries.inventory_alerts)
    assert (alert["quantity_available"], alert["days_of_cover"]) == (3, 5)


async def test_variations_that_share_their_parents_stock_are_counted_once(store: Store):
    shared = {"kind": "variation", "parent_id": "9", "stock_of": "9", "quantity": "3"}
    await store.write(
        product("9", kind="variable", quantity=None), product("1", **shared), product("2", **shared), sales("18")
    )
    [alert] = await store.ask(queries.inventory_alerts)
    assert alert["quantity_available"] == 3


async def test_a_product_without_a_sku_is_known_by_its_id(store: Store):
    await store.write(product("55", sku=None), sales("18", None, product_id="9", variation_id="55"))
    [alert] = await store.ask(queries.inventory_alerts)
    assert (alert["sku"], alert["units_sold_30d"]) == ("#55", 18)


async def test_the_same_sku_in_two_stores_is_two_items(store: Store):
    other = await connect(store.rt, store.org)
    await store.write(product(quantity="3"), sales("18"))
    await other.write(product(quantity="0"))
    found = await store.ask(queries.inventory_alerts)
    assert [(a["connection_id"], a["alert_severity"]) for a in found] == [
        (store.connection_id, "high"), (other.connection_id, "medium"),
    ]  # fmt: skip


async def test_what_cannot_be_sold_is_not_stock(store: Store):
    await store.write(
        product("1", "A", "0", status="draft"), product("2", "B", "0", status="trashed"), product("3", "C", "0", kind="grouped"),
        product("4", "D", "0"), product("5", "E", "0", status="private"),
    )  # fmt: skip
    await store.write(deleted("4", "products"))
    assert [a["sku"] for a in await store.ask(queries.inventory_alerts)] == ["E"]


async def test_the_summary_is_unknown_before_any_stock_is_known(store: Store):
    counts = await store.ask(queries.inventory_summary)
    assert (counts["known"], counts["total_alerts"], counts["critical_alerts"]) == (False, None, None)
    await store.write(product(quantity="50", created_at=NOON))
    counts = await store.ask(queries.inventory_summary)
    assert (counts["known"], counts["total_alerts"], counts["critical_alerts"]) == (True, 0, 0)


async def test_alerts_come_most_severe_first_and_can_be_narrowed(store: Store):
    await store.write(
        product("1", "OVER", "500", created_at=OLD), product("2", "OUT", "0"), product("3", "LOW", "5"), product("4", "GONE", "0"),
        order("1", lines=(line("LOW", "30"), line("GONE", "1"))),
    )  # fmt: skip
    assert [a["sku"] for a in await store.ask(queries.inventory_alerts)] == ["GONE", "LOW", "OUT", "OVER"]
    assert [a["sku"] for a in await store.ask(queries.inventory_alerts, "high", 1)] == ["LOW"]
    cells = await store.ask(queries.inventory_heat)
    assert [(c["sku"], c["cover_bucket"]) for c in cells] == [
        ("GONE", "out"),
        ("LOW", "low"),
        ("OUT", "out"),
        ("OVER", "over"),
    ]


async def test_the_stock_list_pages_through_every_item_once(store: Store):
    await store.write(*(product(str(n), f"S{n:02}", str(n), created_at=NOON) for n in range(25)))
    seen: list[str] = []
    after = None
    while True:
        rows, after = await store.ask(queries.products_page, show="all", after=after, limit=7)
        seen += [row["sku"] for row in rows]
        if after is None:
            break
    assert len(seen) == 25
    assert len(set(seen)) == 25
    assert [r["sku"] for r in (await store.ask(queries.products_page, show="all", search="s07"))[0]] == ["S07"]
    assert [r["sku"] for r in (await store.ask(queries.products_page, show="out_of_stock"))[0]] == ["S00"]
