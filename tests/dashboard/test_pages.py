"""The dashboard page: every state is drawn, a tile that fails does so in its own box, each tile is also CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.dashboard.registry import tile, tiles
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import line, order, product, refund
from tests.visitors import Visitor

SALES, STOCK = "/dashboard/tiles/sales-pulse", "/dashboard/tiles/inventory-alerts"


async def state(visitor: Visitor, slug: str) -> tuple[str, str]:
    """The state a tile is drawn in on its own page, and its text."""
    text = (await visitor.page(f"/dashboard/tiles/{slug}")).text
    box = re.search(rf'<article class="tile" id="tile-{slug}".*?</article>', text, re.S)
    assert box, text
    drawn = re.search(r'data-state="(\w+)"', box[0])
    assert drawn
    return drawn[1], re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", box[0]))


@pytest.mark.parametrize("slug", [each.slug for each in tiles()])
async def test_every_state_is_drawn_and_follows_the_stores_standing_at_once(
    rt: Runtime, org: UUID, sign_in: SignIn, slug: str
) -> None:
    visitor = await sign_in("owner", org)
    drawn, said = await state(visitor, slug)
    assert drawn == "not_connected"
    assert "Connect a store" in said

    connection = await ledgers.connect(rt, org, "Main store", synced=False)
    drawn, said = await state(visitor, slug)
    assert drawn == "empty"
    assert "first sync is running" in said

    await ledgers.set_store(rt, org, connection, "status = 'error', last_error = 'Key refused.', last_error_at = now()")
    drawn, said = await state(visitor, slug)
    assert drawn == "error"
    assert "Main store could not be synced" in said
    assert "Key refused." in said

    await ledgers.finish_streams(rt, org, connection)
    await ledgers.set_store(rt, org, connection, "status = 'active', last_success_at = now()")
    assert (await state(visitor, slug))[0] == "empty"

    await ledgers.write(rt, org, connection, order("5.00", line("A", "5.00")), product("A", 2))
    drawn, said = await state(visitor, slug)
    assert drawn == "live"

    await ledgers.set_store(rt, org, connection, "status = 'error', last_error_at = now(), last_error = 'Key revoked.'")
    drawn, said = await state(visitor, slug)
    assert drawn == "stale"
    assert "Main store could not be synced. Key revoked. Numbers are from" in " ".join(said.split())

    await ledgers.set_store(rt, org, connection, "status = 'active', last_success_at = now() - interval '3 hours'")
    drawn, said = await state(visitor, slug)
    assert drawn == "stale"
    assert "No fresh data" in said


async def test_the_dashboard_shows_the_same_numbers_as_the_api(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    sale = order("1234.50", line("LAMP", "1000.00", 2))
    await ledgers.write(rt, org, connection, sale, order("100.25"), refund(sale, "34.50"), product("LAMP", 1))
    visitor = await sign_in("operator", org)
    page = (await visitor.page("/dashboard")).text
    for text in ("$1,300.25", "$650.13", "LAMP", "100.0%"):
        assert text in page, text
    assert (
        page.count('<article class="tile"') == sum(len(each.elements) for each in tiles()) - 1
    )  # the strip is no article
    assert re.search(r"<body[^>]* data-live=\"\d+\"", page), "the page is pushed to"


async def test_a_page_without_a_store_says_what_to_do(org: UUID, sign_in: SignIn) -> None:
    page = (await (await sign_in("owner", org)).page("/dashboard")).text
    assert "No store is connected yet" in page


@pytest.fixture
def broken_tile() -> Iterator[Any]:
    """Makes the inventory tile fail."""
    broken = tile("inventory-alerts")
    fetch = broken.fetch

    async def fail(connection: Any, query: Any) -> Any:
        raise RuntimeError("the view is gone")

    object.__setattr__(broken, "fetch", fail)
    yield broken
    object.__setattr__(broken, "fetch", fetch)


async def test_a_failing_tile_shows_its_error_while_the_page_lives(
    rt: Runtime, org: UUID, sign_in: SignIn, broken_tile: Any
) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("42.00", line("A", "42.00")))
    answer = await (await sign_in("member", org)).page("/dashboard")
    assert answer.status == 200
    assert "$42.00" in answer.text
    assert "This tile could not be drawn." in answer.text
    assert "the view is gone" not in answer.text
    assert 'id="tile-inventory-alerts" ' in answer.text


async def test_one_tile_alone_is_a_page_or_for_htmx_just_the_tile(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("5.00"))
    visitor = await sign_in("member", org)
    whole = await visitor.page(SALES)
    part = await visitor.page(SALES, headers={"HX-Request": "true"})
    assert "<!doctype html>" in whole.text
    assert "<!doctype html>" not in part.text
    assert 'id="tile-sales-pulse"' in part.text
    assert "HX-Request" in part.headers["Vary"]
    missing = await visitor.page("/dashboard/tiles/nothing")
    assert missing.status == 404
    assert "<h1" in missing.text


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


async def test_csv_has_the_numbers_and_runs_no_formula(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    evil = "=HYPERLINK(1)"
    sale = order("10.00", line(evil, "10.00"), line("+cmd|' /C calc'!A0", "5.00"))
    await ledgers.write(
        rt, org, connection, sale, refund(sale, "30.00"), product(evil, -2, name='@SUM(A1) "quoted", \n two lines')
    )
    visitor = await sign_in("operator", org)
    sales = await visitor.page(f"{SALES}.csv?bom=1")
    assert sales.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert sales.headers["Content-Disposition"] == 'attachment; filename="sales-pulse.csv"'
    assert sales.body.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in sales.body
    table = rows_of(sales.text.removeprefix("\ufeff"))
    header = table[0]
    figures = dict(zip(header, table[1], strict=True))
    assert figures["total_revenue"] == "-20.00", "a true negative number is left alone"
    assert [row[header.index("sku")] for row in table[2:]] == [f"'{evil}", "'+cmd|' /C calc'!A0"]
    stock = rows_of((await visitor.page(f"{STOCK}.csv")).text)
    alert = dict(zip(stock[0], stock[1], strict=True))
    assert alert["sku"] == f"'{evil}"
    assert alert["product_name"].startswith("'@SUM")
    assert alert["quantity_available"] == "-2"
    assert (await visitor.page(f"{STOCK}.csv?bom=2")).status == 400


async def test_texts_of_a_store_are_never_markup(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org, "<img src=x onerror=alert(1)>")
    script = "<script>alert('1')</script>"
    sale = order(
        "5.00",
        line(script, "5.00", name=script),
        id="a/b?c#d %",
        number=script,
        customer_name=script,
        note=script,
        customer_email='"><script>@x.example',
    )
    await ledgers.write(rt, org, connection, sale, product(script, 0, name=script))
    visitor = await sign_in("owner", org)
    lists = {
        path: await visitor.page(path) for path in ("/dashboard", SALES, STOCK, "/orders", "/inventory", "/stores")
    }
    link = re.search(r'href="(/orders/\d+/[^"]+)"', lists["/orders"].text)
    assert link
    lists["order"] = await visitor.page(link[1].replace("&amp;", "&"))
    for path, answer in lists.items():
        assert answer.status == 200, path
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert '"><script>@' not in answer.text, path


async def test_home_leads_each_role_to_its_place(org: UUID, sign_in: SignIn) -> None:
    assert (await (await sign_in("owner", org)).page("/")).location == "/dashboard"
    assert (await (await sign_in("superadmin")).page("/")).location == "/superadmin/clients"


async def test_the_age_of_the_data_is_on_the_tile(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("5.00"))
    text = (await (await sign_in("owner", org)).page("/dashboard")).text
    found = re.search(r'<time[^>]* datetime="([^"]+)"', text)
    assert found
    assert datetime.now(UTC) - datetime.fromisoformat(found[1]) < timedelta(minutes=1)
