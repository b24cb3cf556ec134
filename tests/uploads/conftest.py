"""Files, a worker that is called step by step, and the portal's totals beside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import FormData

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from portal.uploads import worker
from portal.uploads.upload import Upload, load
from tests.conftest import SignIn
from tests.visitors import HTML, Answer, Visitor

ORDERS = (
    "Order number,Date,Total,E-mail,SKU,Quantity,Unit price\n"
    "1001,2026-11-02,30.50,ada@example.com,TEA,2,10.00\n"
    "1001,2026-11-02,30.50,ada@example.com,CUP,1,10.50\n"
    "1002,2026-11-03,12.25,bob@example.com,TEA,1,12.25\n"
)


@dataclass
class Desk:
    """One organization's uploads, by a signed-in member."""

    rt: Runtime
    org: UUID
    visitor: Visitor

    async def send(self, content: str | bytes, kind: str = "orders", name: str = "file.csv") -> Answer:
        """Upload as a browser's form does, without JavaScript."""
        return await send(self.visitor, content, kind, name)

    async def receive(self, content: str | bytes, kind: str = "orders", name: str = "file.csv") -> int:
        """Upload; the id of the upload that came of it."""
        answer = await self.send(content, kind, name)
        assert answer.status == 303, answer.text
        return int(answer.location.rpartition("/")[2])

    async def choose(self, upload_id: int, then: str = "check", **changes: str) -> Answer:
        """Submit the columns' form as it stands, with `changes`."""
        upload = await self.load(upload_id)
        values = {f"col-{field}": column for field, column in upload.mapping.items()}
        layout = upload.layout
        values |= {"decimal": layout.decimal, "dates": layout.dates, "currency": layout.currency}
        if layout.format == "csv":
            values |= {"encoding": layout.encoding, "delimiter": layout.delimiter, "quote": layout.quote}
        return await self.visitor.submit(f"/uploads/{upload_id}/columns", values | changes | {"then": then})

    async def act(self, upload_id: int, what: str) -> Upload:
        """Press a button and let the worker work."""
        answer = await self.visitor.submit(f"/uploads/{upload_id}/{what}", {})
        assert answer.status == 303, answer.text
        return await self.worked(upload_id)

    async def checked(
        self, content: str | bytes, kind: str = "orders", name: str = "file.csv", **changes: str
    ) -> Upload:
        """Upload, choose, check."""
        upload_id = await self.receive(content, kind, name)
        answer = await self.choose(upload_id, **changes)
        assert answer.status == 303, answer.text
        return await self.worked(upload_id)

    async def taken_over(
        self, content: str | bytes, kind: str = "orders", name: str = "file.csv", **changes: str
    ) -> Upload:
        """Upload, check and take over."""
        upload = await self.checked(content, kind, name, **changes)
        assert upload.status == "ready", await self.problems(upload.id)
        return await self.act(upload.id, "take-over")

    async def worked(self, upload_id: int) -> Upload:
        while await worker.step(self.rt):
            pass
        return await self.load(upload_id)

    async def load(self, upload_id: int) -> Upload:
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            return await load(scope, upload_id)

    async def problems(self, upload_id: int) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT line, field, problem, remedy FROM upload_problems WHERE upload_id = $1", upload_id
        )

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            return [tuple(row) for row in await scope.sql.fetch(sql, *arguments)]

    async def totals(self) -> dict[str, Any]:
        """Everything that tiles read of the organization: rollups, products, customers."""
        return {
            "days": await self.rows(
                "SELECT day, currency, orders, units, gross, refunds, new_customers FROM daily_sales"
                " WHERE (orders, units, gross, refunds) <> (0, 0, 0, 0) ORDER BY day, currency"
            ),
            "skus": await self.rows(
                "SELECT day, sku, units, revenue_reporting FROM daily_sku_sales WHERE units <> 0 ORDER BY 1, 2"
            ),
            "stock": await self.rows(
                "SELECT sku, name, price, quantity FROM products WHERE deleted_at IS NULL ORDER BY sku"
            ),
            "customers": await self.rows("SELECT email, name FROM customers WHERE deleted_at IS NULL ORDER BY email"),
        }

    async def revenue(self) -> Decimal:
        found = await self.rows("SELECT coalesce(sum(gross - refunds), 0) FROM daily_sales")
        return Decimal(found[0][0])


async def send(visitor: Visitor, content: str | bytes, kind: str = "orders", name: str = "file.csv") -> Answer:
    form = FormData(quote_fields=False)  # names as browsers send them
    form.add_field("csrf_token", visitor.csrf)
    form.add_field("kind", kind)
    form.add_field("file", content.encode() if isinstance(content, str) else content, filename=name)
    async with visitor.session.post(
        "/uploads", data=form, headers={**HTML, "Origin": visitor.base}, allow_redirects=False
    ) as response:
        return Answer(response.status, response.headers, await response.read())


@pytest.fixture
async def desk(rt: Runtime, org: UUID, sign_in: SignIn) -> Desk:
    return Desk(rt, org, await sign_in("member", org))


def kept_files(desk: Desk) -> list[Path]:
    """The organization's uploaded files in the data folder, and bodies of requests that are over."""
    folder = desk.rt.settings.data_dir / "uploads"
    return [path for name in (str(desk.org), "incoming") for path in (folder / name).rglob("*") if path.is_file()]
