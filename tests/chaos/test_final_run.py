"""One merchant, all three platforms and a CSV; workers, PostgreSQL and Redis die on the way. The dashboard is the truth's sum."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.foundation.web.filters import money
from portal.sandbox import Sandbox
from portal.sync.proof import outcomes
from tests.admission import admit
from tests.chaos.conftest import portal
from tests.chaos.csv_file import till, upload
from tests.chaos.disasters import Disasters, during, installed, own_servers
from tests.chaos.merchant import Merchant, merchant, reaching, spec
from tests.chaos.truths import Figures, true, unequal
from tests.visitors import HTML, Visitor

RATES = {"EUR": Decimal(1), "USD": Decimal("0.75"), "GBP": Decimal("1.25"), "JPY": Decimal("0.01")}
REQUESTS = 60
_RATES = """
INSERT INTO exchange_rates (org_id, day, currency, rate)
SELECT $1, current_date - n, $2, $3 FROM generate_series(-2, 450) n"""
_DAYS = """
SELECT day::text, sum(orders)::int AS orders, sum(gross_reporting - refunds_reporting) AS net, sum(unconverted_orders) AS left
FROM daily_sales GROUP BY 1 HAVING sum(orders) <> 0 OR sum(gross_reporting - refunds_reporting) <> 0"""


@pytest.mark.timeout(900)
async def test_three_platforms_and_a_file_are_one_dashboard_equal_to_the_truth_after_every_disaster(
    chaos_seed: int, kills: int, tmp_path: Path
) -> None:
    specs = [spec(each, orders=100, seed=chaos_seed) for each in ("woocommerce", "shopify", "amazon")]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with own_servers() as servers, Sandbox(specs) as sandbox:
            settings = await installed(servers, tmp_path, public_url=address, **reaching(sandbox))
            async with portal(settings, listening) as rt, merchant(rt, settings, sandbox) as shop:
                async with shop.writing() as scope:
                    for currency, rate in RATES.items():
                        if currency != "EUR":
                            await scope.sql.execute(_RATES, shop.org, currency, rate)
                for name in shop.connections:
                    sandbox.control(name, "chaos", seed=chaos_seed, intensity=0.35, changes=0.4)
                entry = await admit(rt, role="owner", org_id=shop.org, email="owner@chaos.example")
                visitor = Visitor(address, "owner", shop.org, csrf=entry.csrf, cookies=entry.cookies)
                disasters = Disasters(shop, servers, chaos_seed)
                today = (await shop.rows("SELECT (now() AT TIME ZONE timezone)::date AS day FROM organizations"))[0][
                    "day"
                ]
                content, file = till(today, chaos_seed)
                try:
                    uploading = asyncio.create_task(upload(shop, visitor, content))
                    stormy = [sandbox.chaos(name) for name in shop.connections]
                    await during(shop, disasters, kills, lambda: all(each.requests >= REQUESTS for each in stormy))
                    await uploading
                    await shop.calm()
                    await shop.compare()
                    told = f"seed {chaos_seed}: {disasters.told} {[each.told() for each in stormy]}"
                    assert await unequal(shop) == {}, told
                    assert await unhealed(shop) == [], told
                    await assert_one_dashboard(shop, visitor, file)
                finally:
                    await visitor.close()
            assert shop.kills == kills
            assert {"PostgreSQL restarted", "PostgreSQL killed", "Redis restarted"} <= set(disasters.told)


async def unhealed(shop: Merchant) -> list[str]:
    """Differences that the last comparison of a stream found and left."""
    found = []
    async with shop.reading() as scope:
        for name, connection in shop.connections.items():
            for stream, each in (await outcomes.latest(scope, connection)).items():
                if each.state not in {"even", "healed"}:
                    found.append(f"{name} {stream}: {each.state} {each.reason} {each.to_heal}")
    return found


def expected(shop: Merchant, file: Figures) -> dict[str, tuple[int, Decimal]]:
    """Day -> orders and net revenue in the reporting currency, summed over the stores' truths and the file."""
    days: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for figures in (*(true(shop.sandbox, name) for name in shop.connections), file):
        for key, value in figures.items():
            if key[0] == "day":
                days[key[1]][0] += value[0]
                days[key[1]][1] += (value[1] - value[2]) * RATES[key[2]]
    return {day: (orders, net) for day, (orders, net) in days.items() if orders or net}


async def assert_one_dashboard(shop: Merchant, visitor: Visitor, file: Figures) -> None:
    """Every day of the rollup, today's tile as JSON, and the number that stands on the page."""
    wanted = expected(shop, file)
    rows = await shop.rows(_DAYS)
    assert sum(row["left"] for row in rows) == 0, "an order has no rate"
    assert {row["day"]: (row["orders"], row["net"]) for row in rows} == wanted
    pulse = (await visitor.get("/api/v1/dashboard/sales-pulse")).json()
    orders, net = wanted.get(pulse["date"], (0, Decimal(0)))
    shown = net.quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )  # as PostgreSQL rounds; Python's own way gives half a cent to the even one
    assert (pulse["total_orders"], Decimal(str(pulse["total_revenue"]))) == (orders, shown)
    page = await visitor.get("/dashboard", headers=HTML)
    assert page.status == 200
    assert money(shown, "EUR") in page.text.replace("&nbsp;", "\u00a0")
