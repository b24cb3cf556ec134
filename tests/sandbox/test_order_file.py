"""The file that a merchant exports by hand says the same as the truth, up to last midnight."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from io import StringIO
from typing import Any

import aiohttp
import pytest

from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.sandbox.spec import PLATFORMS
from portal.sandbox.truth import truth


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_exported_file_sums_up_to_the_truth(platform: Any) -> None:
    async with Sandbox([SandboxStoreSpec("shop", platform=platform, orders=80, seed=6)]) as sandbox:
        async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/shop/_orders.csv") as answer:
            assert answer.status == 200
            rows = list(csv.DictReader(StringIO(await answer.text())))
        told: Any = truth(sandbox.store("shop"), days=800)
    orders = {row["Order number"]: row for row in rows if row["Status"] not in ("cancelled", "failed")}
    days: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in orders.values():
        if row["Paid on"] or row["Status"] != "pending":
            days[(row["Paid on"] or row["Order date"])[:10], row["Currency"]] += Decimal(row["Total"])
    today = told["now"][:10]
    wanted = {(day["date"], day["currency"]): Decimal(day["gross"]) for day in told["days"] if Decimal(day["gross"])}
    near = sorted({date for date, _ in wanted if date < today})[
        -1:
    ]  # paid after midnight: of an order that is not in the file
    same = {key: amount for key, amount in wanted.items() if key[0] < today and key[0] not in near}
    assert {key: days[key] for key in same} == same
