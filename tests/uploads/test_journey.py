"""From the file to the totals and back, through the pages' own forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from portal.compose import close_runtime, open_runtime
from portal.foundation.settings import Settings
from portal.tenancy.scope import tenant
from portal.uploads import worker
from tests.uploads.conftest import ORDERS, Desk, kept_files


async def test_a_file_of_orders_is_counted_after_it_is_taken_over_and_not_before(desk: Desk) -> None:
    upload = await desk.checked(ORDERS)
    assert upload.status == "ready", await desk.problems(upload.id)
    assert await desk.revenue() == 0
    assert await desk.rows("SELECT 1 FROM client_api_credentials") == []
    upload = await desk.act(upload.id, "take-over")
    assert upload.status == "done"
    assert await desk.revenue() == Decimal("42.75")
    assert await desk.rows("SELECT external_id, total, units, status FROM orders ORDER BY 1") == [
        ("1001", Decimal("30.50"), 3, "completed"),
        ("1002", Decimal("12.25"), 1, "completed"),
    ]


async def test_a_dry_run_says_what_taking_over_does(desk: Desk) -> None:
    await desk.taken_over(ORDERS)
    later = ORDERS.replace("12.25", "14.00") + "1003,2026-11-04,99.99,eve@example.com,CUP,9,11.11\n"
    checked = await desk.checked(later)
    assert checked.outcome is not None
    assert (checked.outcome.new, checked.outcome.changed, checked.outcome.same) == (1, 1, 1)
    (orders,) = checked.outcome.sums
    assert (orders.before, orders.after) == (Decimal("42.75"), Decimal("144.49"))
    assert await desk.revenue() == Decimal("42.75")
    done = await desk.act(checked.id, "take-over")
    assert done.outcome == checked.outcome
    assert await desk.revenue() == Decimal("144.49")


async def test_undoing_restores_the_totals_to_the_cent(desk: Desk) -> None:
    await desk.taken_over(ORDERS)
    before = await desk.totals()
    later = (
        ORDERS.replace("12.25", "17.01").replace("2026-11-02", "2026-10-30") + "1009,2026-11-09,0.03,x@example.com,,,\n"
    )
    upload = await desk.taken_over(later)
    assert await desk.totals() != before
    undone = await desk.act(upload.id, "undo")
    assert undone.status == "undone"
    assert undone.undone is not None
    assert (undone.undone.removed, undone.undone.changed) == (1, 2)
    assert await desk.totals() == before


async def test_an_earlier_upload_is_undone_without_touching_what_a_later_one_says(desk: Desk) -> None:
    first = await desk.taken_over(ORDERS)
    await desk.taken_over("Order number,Date,Total\n1002,2026-11-03,50.00\n")
    await desk.act(first.id, "undo")
    assert await desk.rows("SELECT external_id, total FROM orders WHERE deleted_at IS NULL") == [
        ("1002", Decimal("50.00"))
    ]
    assert await desk.revenue() == Decimal("50.00")


async def test_what_was_undone_can_be_uploaded_again(desk: Desk) -> None:
    upload = await desk.taken_over(ORDERS)
    await desk.act(upload.id, "undo")
    assert await desk.revenue() == 0
    await desk.taken_over(ORDERS)
    assert await desk.revenue() == Decimal("42.75")


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    await desk.taken_over(ORDERS)
    (version,) = await desk.rows("SELECT version FROM tenant_versions")
    again = await desk.taken_over(ORDERS)
    assert again.outcome is not None
    assert (again.outcome.new, again.outcome.changed, again.outcome.same) == (0, 0, 2)
    assert await desk.rows("SELECT version FROM tenant_versions") == [version]


async def test_a_bad_row_at_the_end_keeps_everything_out(desk: Desk) -> None:
    many = "".join(f"{number},2026-11-02,1.00,a@example.com,TEA,1,1.00\n" for number in range(2000, 4500))
    upload = await desk.checked(ORDERS + many + "9999,2026-11-05,lots,z@example.com,TEA,1,1.00\n")
    assert (upload.status, upload.problems) == ("invalid", 1)
    assert await desk.problems(upload.id) == [
        (2505, "Total", "“lots” is not a number", "A number such as 1234.56, or choose the other decimal mark.")
    ]
    assert await desk.revenue() == 0
    assert await desk.rows("SELECT 1 FROM upload_entries") == []
    refused = await desk.visitor.submit(f"/uploads/{upload.id}/take-over", {})
    assert refused.status == 409


async def test_an_inventory_file_changes_stock_alone_and_its_undoing_brings_the_old_stock_back(desk: Desk) -> None:
    await desk.taken_over("SKU,Name,Price,Stock\nTEA,Green tea,9.90,40\nCUP,Cup,5.00,7\n", "products")
    stock = await desk.taken_over("sku;Lager;Bestand\nTEA;Berlin;3\nTEA;Wien;4,5\nPOT;Wien;2\n", "inventory")
    assert (await desk.totals())["stock"] == [
        ("CUP", "Cup", Decimal("5.00"), Decimal(7)),
        ("POT", "POT", None, Decimal(2)),
        ("TEA", "Green tea", Decimal("9.90"), Decimal("7.5")),
    ]
    await desk.act(stock.id, "undo")
    assert (await desk.totals())["stock"] == [
        ("CUP", "Cup", Decimal("5.00"), Decimal(7)),
        ("TEA", "Green tea", Decimal("9.90"), Decimal(40)),
    ]


async def test_customers_come_by_number_or_by_mail(desk: Desk) -> None:
    await desk.taken_over("E-Mail;Vorname;Nachname;Ort\nADA@example.com;Ada;Lovelace;London\n", "customers")
    assert (await desk.totals())["customers"] == [("ada@example.com", "Ada Lovelace")]


async def test_refunds_are_subtracted_and_leave_with_the_upload(desk: Desk) -> None:
    upload = await desk.taken_over(
        "Order number,Date,Total,Refunded,Refunded on\n1,2026-11-02,30.00,12.50,2026-11-05\n", "orders"
    )
    assert await desk.revenue() == Decimal("17.50")
    await desk.taken_over("Order number,Date,Total\n1,2026-11-02,30.00\n")
    assert await desk.revenue() == Decimal("30.00")
    await desk.act(upload.id, "undo")
    assert await desk.revenue() == Decimal("30.00")


async def test_json_and_xml_take_the_same_road(desk: Desk) -> None:
    await desk.taken_over(
        '[{"id": 7, "date": "2026-11-02", "total": 20.10, "lines": [{"sku": "TEA", "qty": 2, "price": 10.05}]}]',
        name="o.json",
    )
    await desk.taken_over(
        '<orders><order id="8"><date>2026-11-02</date><total>1.15</total><items><item><sku>CUP</sku><qty>1</qty></item>'
        "<item><sku>TEA</sku><qty>3</qty></item></items></order></orders>",
        name="o.xml",
    )
    await desk.taken_over(
        '{"id": "9", "date": "2026-11-03", "total": "3.00"}\n{"id": 10, "date": "2026-11-03", "total": 4}\n'
    )
    assert await desk.revenue() == Decimal("28.25")
    assert await desk.rows("SELECT external_id, units FROM orders ORDER BY external_id") == [
        ("10", 0),
        ("7", 2),
        ("8", 4),
        ("9", 0),
    ]


async def test_the_file_is_gone_once_it_is_taken_over_or_discarded(desk: Desk) -> None:
    first = await desk.checked(ORDERS)
    (kept,) = kept_files(desk)
    assert kept.stat().st_mode & 0o077 == 0
    await desk.act(first.id, "take-over")
    assert kept_files(desk) == []
    second = await desk.receive(ORDERS)
    assert len(kept_files(desk)) == 1
    assert (await desk.visitor.submit(f"/uploads/{second}/discard", {})).status == 303
    assert kept_files(desk) == []
    assert (await desk.visitor.page(f"/uploads/{second}")).status == 404


async def test_a_check_that_another_upload_has_overtaken_is_made_anew(desk: Desk) -> None:
    first = await desk.checked(ORDERS)
    await desk.taken_over("Order number,Date,Total\n1002,2026-11-03,50.00\n")
    again = await desk.act(first.id, "take-over")
    assert again.status == "ready"
    assert again.outcome is not None
    assert (again.outcome.new, again.outcome.changed) == (1, 1)
    assert (await desk.act(first.id, "take-over")).status == "done"


async def test_taking_over_waits_for_no_second_connection_while_it_holds_the_first(
    desk: Desk, database_url: str, settings_for: Callable[..., Settings]
) -> None:
    """Where all others are held by who waits for its rows, there would never be one."""
    await desk.taken_over(ORDERS)
    upload = await desk.checked(ORDERS.replace("12.25", "14.00"))
    assert (await desk.visitor.submit(f"/uploads/{upload.id}/take-over", {})).status == 303
    rt = await open_runtime(settings_for(database_url, database_pool=2, data_dir=desk.rt.settings.data_dir))
    try:
        async with tenant(rt.database, desk.org):
            assert await asyncio.wait_for(worker.step(rt), 8)
    finally:
        await close_runtime(rt)
    assert (await desk.load(upload.id)).status == "done"
