"""A file of orders from a till, and what is true of it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from portal.uploads.upload import load
from tests.chaos.merchant import Merchant
from tests.chaos.truths import Figures
from tests.uploads.conftest import send
from tests.visitors import Visitor


def till(today: date, seed: int, orders: int = 40) -> tuple[str, Figures]:
    """The CSV, and its figures by day and currency in the shape of `truths`."""
    rng = Random(f"till:{seed}")
    lines, figures = ["Order number,Date,Total,Currency,SKU,Quantity,Unit price"], {}
    for number in range(orders):
        day = (today - timedelta(days=number % 12)).isoformat()
        currency, quantity = "USD" if number % 5 == 4 else "EUR", rng.randint(1, 4)
        price = Decimal(rng.randint(101, 9_999)) / 100
        lines.append(f"T-{number},{day},{price * quantity},{currency},TILL-{number % 3},{quantity},{price}")
        was = figures.get(("day", day, currency), (0, Decimal(0), Decimal(0), 0))
        figures["day", day, currency] = (was[0] + 1, was[1] + price * quantity, was[2], was[3] + quantity)
    return "\n".join(lines) + "\n", figures


async def upload(merchant: Merchant, visitor: Visitor, content: str) -> None:
    """Upload, check and take over, as a person who tries again when the portal asks for patience."""
    upload_id = 0
    while not upload_id:
        answer = await send(visitor, content, "orders", "till.csv")
        if answer.status == 303:
            upload_id = int(answer.location.rpartition("/")[2])
        else:
            assert answer.status == 503, answer.text
            await asyncio.sleep(0.5)
    async with merchant.reading() as scope:
        found = await load(scope, upload_id)
    columns = {f"col-{field}": column for field, column in found.mapping.items()}
    layout = found.layout
    columns |= {"decimal": layout.decimal, "dates": layout.dates, "currency": layout.currency}
    columns |= {"encoding": layout.encoding, "delimiter": layout.delimiter, "quote": layout.quote}
    await _press(visitor, f"/uploads/{upload_id}/columns", columns | {"then": "check"})
    await _until(merchant, upload_id, "ready")
    await _press(visitor, f"/uploads/{upload_id}/take-over", {})
    await _until(merchant, upload_id, "done")


async def _press(visitor: Visitor, path: str, fields: dict[str, str]) -> None:
    answer = await visitor.submit(path, fields)
    while answer.status == 503:
        await asyncio.sleep(0.5)
        answer = await visitor.submit(path, fields)
    assert answer.status in {303, 409}, answer.text  # 409: it was taken before the answer was lost


async def _until(merchant: Merchant, upload_id: int, status: str) -> None:
    async with asyncio.timeout(240):
        while True:
            rows = await merchant.patient_rows("SELECT status FROM uploads WHERE id = $1", upload_id)
            assert rows[0]["status"] != "invalid"
            if rows[0]["status"] == status:
                return
            await asyncio.sleep(0.2)
