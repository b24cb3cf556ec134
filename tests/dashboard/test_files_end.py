"""An organization that lives on files: page, JSON, CSV and push say until when something is known, and what to do."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.dashboard.test_live import listening
from tests.dashboard.test_sales_pulse import KEYS, PATH
from tests.ledgers import line, order, product, refund
from tests.visitors import Visitor

DAY, WEEK = timedelta(days=1), timedelta(days=7)
STORES = "/api/v1/dashboard/stores"


@pytest.fixture
async def files(rt: Runtime, org: UUID) -> int:
    """Uploaded files that end yesterday, with an order on the same day of last week."""
    await ledgers.at_noon(rt, org)
    made = await ledgers.connect(rt, org, "Uploaded files")
    await ledgers.set_store(rt, org, made, "polled = false, platform_type = 'files'")
    earlier = order("80.00", line("LAMP", "80.00"), at=ledgers.now() - WEEK)
    await ledgers.write(rt, org, made, order("50.00", line("LAMP", "50.00"), at=ledgers.now() - DAY), earlier)
    return made


@pytest.fixture
async def member(files: int, org: UUID, sign_in: SignIn) -> Visitor:
    visitor: Visitor = await sign_in("member", org)
    return visitor


async def ends(visitor: Visitor) -> date:
    """The day before today, as the organization counts days."""
    return date.fromisoformat((await visitor.get(PATH)).json()["date"]) - DAY


def said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


async def table(visitor: Visitor, slug: str) -> list[dict[str, Any]]:
    text = (await visitor.get(f"/dashboard/tiles/{slug}.csv")).text
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_json_has_its_documented_keys_and_null_where_nobody_can_know(member: Visitor) -> None:
    body = (await member.get(PATH)).json()
    assert list(body) == KEYS
    assert [body[name] for name in KEYS[1:-1]] == [None] * 6
    assert [each["sku"] for each in body["top_5_skus"]] == ["LAMP"], "what was sold before is known"


async def test_the_csv_is_empty_where_the_json_is_null(member: Visitor) -> None:
    figures = (await table(member, "sales-pulse"))[0]
    assert (figures["total_revenue"], figures["total_orders"], figures["revenue_vs_last_week_pct"]) == ("", "", "")
    [stored] = await table(member, "stores")
    assert (stored["orders"], stored["revenue"], stored["known_until"]) == ("", "", (await ends(member)).isoformat())


async def test_the_page_says_until_when_and_what_to_do(member: Visitor) -> None:
    text, day = (await member.page("/dashboard")).text, said(await ends(member))
    assert f"as of {day}, from your file" in text
    assert f"Known until {day}, from your file." in text
    assert '<a class="btn" href="/uploads">Upload a file</a>' in text
    assert "100.0%" not in text
    assert 'data-state="stale"' in text
    assert "$0.00" not in text
    orders = (await member.page("/orders?day=today")).text
    assert "Orders of today are not known" in orders
    assert f"Known until {day}, from your file." in orders


async def test_a_newer_file_is_pushed_and_its_today_is_compared_as_far_as_it_goes(
    rt: Runtime, org: UUID, files: int, member: Visitor
) -> None:
    async with listening(member, "/ws/dashboard?since=99") as live:
        await live.next()
        at = ledgers.now() - timedelta(minutes=30)
        await ledgers.write(rt, org, files, order("30.00", at=at), order("20.00", at=at - WEEK))
        parts = await live.parts("strip", "tile-sales-pulse")
    assert "$30.00" in parts["strip"]["html"]
    assert "+50.0%" in parts["strip"]["html"]
    assert "Today as far as your file goes, until " in parts["tile-sales-pulse"]["html"]
    body = (await member.get(PATH)).json()
    assert (body["total_revenue"], body["revenue_vs_last_week_pct"]) == (30.00, 50.0)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "It gives no times of day"), (30, "until 00:00.</b> Last week is compared up to the same time.")],
)
async def test_only_a_file_that_ends_with_the_days_first_instant_gives_no_times(
    rt: Runtime, org: UUID, files: int, member: Visitor, seconds: int, told: str
) -> None:
    midnight = ledgers.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=12)
    await ledgers.write(rt, org, files, order("30.00", at=midnight + timedelta(seconds=seconds)))
    text = (await member.page("/dashboard")).text
    assert "Today as far as your file goes" in text
    assert told in text


async def test_beside_a_live_store_its_numbers_count_and_the_tile_says_which_source_ends_where(
    rt: Runtime, org: UUID, files: int, member: Visitor
) -> None:
    shop = await ledgers.connect(rt, org, "Main store")
    await ledgers.write(rt, org, shop, order("60.00"), order("50.00", at=ledgers.now() - WEEK))
    body = (await member.get(PATH)).json()
    assert (body["total_revenue"], body["total_orders"], body["revenue_vs_last_week_pct"]) == (60.00, 1, 20.0)
    by_name = {each["name"]: each for each in (await member.get(STORES)).json()["stores"]}
    day = await ends(member)
    assert [by_name["Uploaded files"][name] for name in ("orders", "revenue", "share_pct", "known_until")] == [
        None, None, None, day.isoformat(),
    ]  # fmt: skip
    assert by_name["Main store"]["known_until"] is None
    text = (await member.page("/dashboard")).text
    assert f"Uploaded files: known until {said(day)}." in text
    assert 'data-state="stale"' not in text
    alone = (await member.page(f"/dashboard?store={files}")).text
    assert f"as of {said(day)}, from your file" in alone
    assert (await member.get(f"{PATH}?store={files}")).json()["total_revenue"] is None


async def test_a_store_whose_first_reading_is_under_way_makes_no_zero_of_today(
    rt: Runtime, org: UUID, files: int, member: Visitor
) -> None:
    shop = await ledgers.connect(rt, org, "Main store")
    await ledgers.set_store(rt, org, shop, "last_success_at = NULL")
    await ledgers.write(rt, org, shop, order("60.00", at=ledgers.now() - 300 * DAY))
    assert (await member.get(PATH)).json()["total_revenue"] is None
    assert f"as of {said(await ends(member))}, from your file" in (await member.page("/dashboard")).text
    await ledgers.set_store(rt, org, shop, "last_success_at = now()")
    await ledgers.write(rt, org, shop, order("50.00", at=ledgers.now() - WEEK))
    assert (await member.get(PATH)).json()["total_revenue"] == 0


async def test_where_a_store_waits_in_shadow_the_way_out_is_to_compare_and_switch(
    rt: Runtime, org: UUID, files: int, member: Visitor
) -> None:
    shop = await ledgers.connect(rt, org, "Main store")
    await ledgers.set_store(rt, org, shop, "shadow = true")
    text = (await member.page("/dashboard")).text
    assert "Main store is read by itself, and is in shadow: compare it and switch." in text
    assert f'<a class="btn" href="/stores/{shop}/parity">Compare</a>' in text
    assert "No products are known yet." in text
    assert "known until" in text.partition('id="tile-stores"')[2], "the stores stand beside each other all the same"
    assert "Main store is read by itself" not in (await member.page(f"/dashboard?store={files}")).text


async def test_files_without_any_order_ask_for_one(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    made = await ledgers.connect(rt, org, "Uploaded files")
    await ledgers.set_store(rt, org, made, "polled = false, platform_type = 'files'")
    await ledgers.write(rt, org, made, product("LAMP", 5))
    text = (await (await sign_in("member", org)).page("/dashboard")).text
    assert "No sales are known yet." in text
    assert "no file of orders yet" in text
    assert "No orders in the last 30 days" not in text


async def test_best_sellers_and_refunds_without_a_rate_say_so_and_lead_to_the_currencies(
    rt: Runtime, org: UUID, sign_in: SignIn
) -> None:
    await ledgers.at_noon(rt, org)
    shop = await ledgers.connect(rt, org)
    yen = order("7000", line("YEN", "7000"), currency="JPY")
    await ledgers.write(rt, org, shop, order("10.00", line("LAMP", "10.00")), yen, refund(yen, "100"))
    visitor = await sign_in("member", org)
    assert (await visitor.get(PATH)).json()["top_5_skus"][1] == {"sku": "YEN", "revenue_30d": None, "units_sold_30d": 1}
    assert [row["revenue_30d"] for row in await table(visitor, "sales-pulse")] == ["", "10.00", ""]
    text = (await visitor.page("/dashboard")).text
    assert "no rate</span>" in text
    assert "1 order in JPY is not in these amounts:" in text
    assert "1 order and 1 refund in JPY are not in this total:" in text
    assert text.count('<a href="/currencies">See the rates</a>') == 2
    stored = await table(visitor, "stores")
    assert [(row["own_currency"], row["own_revenue"]) for row in stored] == [("JPY", "6900.00"), ("USD", "10.00")]
    assert [(row["unconverted_orders"], row["revenue"]) for row in stored] == [("1", "10.00"), ("", "")], (
        "a column adds up"
    )
