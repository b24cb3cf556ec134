"""A market stall over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

TOKEN = "st_secret_of_the_lid"
PAGE = 20


def sale(number: int, total: str, **changes: Any) -> dict[str, Any]:
    """What the stall notes of a sale."""
    at = datetime.now(UTC) - timedelta(hours=number)
    noted = {"id": number, "at": at.isoformat(), "changed": at.isoformat(), "status": "sold", "currency": "EUR"}
    return noted | {"total": total, "sku": f"PLUM-{number % 3}", "quantity": "2"} | changes


@dataclass
class Stall:
    """Its sales and its goods."""

    url: str = ""
    sales: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, Any] = field(default_factory=dict)
    goods: dict[str, int] = field(default_factory=lambda: {"PLUM-0": 9, "PLUM-1": 0, "PLUM-2": 30})

    def sell(self, number: int, total: str, **changes: Any) -> dict[str, Any]:
        self.sales[number] = sale(number, total, **changes)
        return self.sales[number]

    def revenue(self) -> Decimal:
        return sum((Decimal(each["total"]) for each in self.sales.values() if each["status"] == "sold"), Decimal(0))

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "who are you"}, status=401)
        query, what = request.query, request.match_info["what"]
        if what == "about":
            told = {"name": "Plums of the square", "currency": "EUR", "timezone": "Europe/Berlin"}
            return web.json_response(told | {"orders": len(self.sales)})
        if what == "calls":
            if request.method == "POST":
                self.calls = await request.json()
            return web.json_response(self.calls)
        if what == "products":
            return web.json_response(
                {"rows": [{"sku": s, "name": f"Plums {s}", "left": str(n)} for s, n in self.goods.items()]}
            )
        rows = [self.sales[number] for number in sorted(self.sales)]
        if query.get("named"):
            return web.json_response({"rows": [row for row in rows if str(row["id"]) in query["named"].split(",")]})
        if query.get("everything"):
            return web.json_response({"rows": rows})
        rows = [
            row for row in rows if row["changed"] >= query.get("since", "") and row["id"] > int(query.get("after", "0"))
        ]
        body = {"rows": rows[:PAGE], "more": len(rows) > PAGE, "now": datetime.now(UTC).isoformat()}
        return web.json_response(body)


@asynccontextmanager
async def open_stall() -> AsyncIterator[Stall]:
    """A stall with fifty sales."""
    stall = Stall()
    for number in range(1, 51):
        stall.sell(number, f"{number}.{number:02}")
    app = web.Application()
    app.router.add_route("*", "/{what}", stall.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stall.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stall
    finally:
        await runner.cleanup()
