"""A file that changes days which were stated already says so in the restatement log, and so does its undoing."""

from __future__ import annotations

import json
from typing import Any

from tests.uploads.conftest import ORDERS, Desk


async def log(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.rows(
        "SELECT day::text, before_revenue::text, after_revenue::text, reasons FROM restatements ORDER BY id"
    )
    return [(*row[:3], json.loads(row[3])) for row in rows]


async def test_files_restate_only_days_that_something_was_said_of(desk: Desk):
    first = await desk.taken_over(ORDERS)
    assert await log(desk) == [], "the first file states"
    more = "Order number,Date,Total,SKU,Quantity,Unit price\n2001,2026-11-02,7.00,TEA,1,7.00\n2002,2026-10-09,5.00,TEA,1,5.00\n"
    await desk.taken_over(more)
    assert await log(desk) == [("2026-11-02", "30.50", "37.50", {"uploaded_files": 1})]
    await desk.act(first.id, "undo")
    assert (await log(desk))[1:] == [
        ("2026-11-02", "37.50", "7.00", {"undone_uploads": 1}),
        ("2026-11-03", "12.25", "0.00", {"undone_uploads": 1}),
    ]
    await desk.taken_over(ORDERS)
    assert (await log(desk))[3:] == [
        ("2026-11-02", "7.00", "37.50", {"uploaded_files": 1}),
        ("2026-11-03", "0.00", "12.25", {"uploaded_files": 1}),
    ]
    assert len(await log(desk)) == 5


async def test_a_file_that_is_only_tried_out_restates_nothing(desk: Desk):
    await desk.taken_over(ORDERS)
    await desk.checked(ORDERS.replace("12.25", "99.00"))
    assert await log(desk) == []
