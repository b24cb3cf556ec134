"""`?store=`: one store alone on every way out, validated, cached apart, pushed to the pages that look at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from portal.dashboard.registry import tiles
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.dashboard.test_live import listening, measured
from tests.ledgers import line, order, product
from tests.visitors import Visitor

PULSE = "/api/v1/dashboard/sales-pulse"
PAGES = ("/dashboard", "/orders", "/inventory", "/dashboard/tiles/sales-pulse", "/dashboard/tiles/stores.csv")


@dataclass
class Two:
    """An organization with two stores: 10.00 at the first, 7.00 at the second."""

    org: UUID
    first: int
    second: int


@pytest.fixture
async def two(rt: Runtime, org: UUID) -> Two:
    await ledgers.at_noon(rt, org)
    first, second = await ledgers.connect(rt, org, "Berlin"), await ledgers.connect(rt, org, "Lyon")
    await ledgers.write(rt, org, first, order("10.00", line("A", "10.00"), id="b1"), product("A", 5))
    await ledgers.write(rt, org, second, order("7.00", line("B", "7.00"), id="l1"), product("B", 0))
    return Two(org, first, second)


async def revenue(visitor: Visitor, store: int | None = None) -> float:
    answer = await visitor.get(PULSE + (f"?store={store}" if store else ""))
    assert answer.status == 200, answer.text
    return float(answer.json()["total_revenue"])


async def test_each_store_and_all_of_them_are_answers_of_their_own(rt: Runtime, two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    for _ in range(2):  # computed, then cached
        assert [await revenue(visitor, each) for each in (None, two.first, two.second)] == [17, 10, 7]
    etags = {(await visitor.get(f"{PULSE}{query}")).headers["ETag"] for query in ("", f"?store={two.first}")}
    assert len(etags) == 2
    assert set((await visitor.get(f"{PULSE}?store={two.first}")).json()) == set((await visitor.get(PULSE)).json())
    await ledgers.write(rt, two.org, two.second, order("1.00"))
    assert [await revenue(visitor, each) for each in (None, two.first, two.second)] == [18, 10, 8]


async def test_every_tile_takes_a_store(two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    for each in tiles():
        assert (await visitor.get(f"{each.path}?store={two.second}")).status == 200, each.slug


@pytest.mark.parametrize("word", ["abc", "-1", "0", "1.5", "99999999999999999999999", "1;DROP"])
async def test_what_is_no_number_is_refused(two: Two, sign_in: SignIn, word: str) -> None:
    visitor = await sign_in("member", two.org)
    refused = await visitor.get(f"{PULSE}?store={word}")
    assert (refused.status, refused.json()["details"]["parameter"]) == (400, "store")
    for path in PAGES:
        assert (await visitor.page(f"{path}?store={word}")).status == 400, path
    assert (await visitor.get(f"/dashboard/live?store={word}")).status == 400


async def test_a_store_of_nobody_or_of_another_organization_is_not_there(
    rt: Runtime, two: Two, other_org: UUID, sign_in: SignIn
) -> None:
    theirs = await ledgers.connect(rt, other_org)
    visitor = await sign_in("owner", two.org)
    for store in (theirs, 2**53):
        answer = await visitor.get(f"{PULSE}?store={store}")
        assert answer.status == 404
        assert set(answer.json()) == {"error", "details"}
        for path in PAGES:
            assert (await visitor.page(f"{path}?store={store}")).status == 404, path
        assert (await visitor.get(f"/dashboard/live?store={store}")).status == 404
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with listening(visitor, f"/ws/dashboard?store={store}"):
                pass
        assert refused.value.status == 404


async def test_the_pages_keep_the_store_in_their_links(two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    text = (await visitor.page(f"/dashboard?store={two.first}")).text
    assert f'data-live-store="{two.first}"' in text
    assert "$10.00" in text
    assert "$17.00" not in text
    for href in re.findall(r'href="(/(?:orders|inventory)\?[^"]*|/dashboard/tiles/[^"]*\.csv[^"]*)"', text):
        assert f"store={two.first}" in href, href
    listed = (await visitor.page(f"/orders?day=today&store={two.first}")).text
    assert f'href="/orders?day=today&amp;store={two.second}"' in listed
    assert "b1" in listed
    assert ">l1<" not in listed
    assert f'<input type="hidden" name="store" value="{two.first}">' in listed
    stock = (await visitor.page(f"/inventory?show=all&store={two.second}")).text
    assert "Name of B" in stock
    assert "Name of A" not in stock


async def test_the_json_of_one_store_says_when_that_one_was_read_not_another(
    rt: Runtime, two: Two, sign_in: SignIn
) -> None:
    visitor = await sign_in("member", two.org)
    await ledgers.set_store(rt, two.org, two.first, "last_success_at = now() - interval '90 minutes'")
    for store, least, most in ((two.first, 89, 91), (two.second, 0, 1)):
        said = datetime.fromisoformat((await visitor.get(f"{PULSE}?store={store}")).headers["X-Data-As-Of"])
        assert timedelta(minutes=least) <= datetime.now(UTC) - said <= timedelta(minutes=most)


async def test_of_two_stores_the_one_that_is_late_is_named_with_its_own_time(
    rt: Runtime, two: Two, sign_in: SignIn
) -> None:
    visitor = await sign_in("member", two.org)
    await ledgers.set_store(rt, two.org, two.first, "last_success_at = '2026-03-01 12:00+00'")
    for status, said in (
        ("status = 'active'", "No fresh data of Berlin. Its last sync ended 1 Mar 2026"),
        ("status = 'paused'", "Berlin is paused. Its last sync ended 1 Mar 2026"),
        (
            "status = 'error', last_error_at = now(), last_error = 'Key revoked.'",
            "Key revoked. Numbers are from 1 Mar 2026",
        ),
    ):
        await ledgers.set_store(rt, two.org, two.first, status)
        text = " ".join(re.sub(r"<[^>]+>", " ", (await visitor.page("/dashboard")).text).split())
        assert said in text
    await ledgers.set_store(rt, two.org, two.first, "last_success_at = NULL")
    text = " ".join(re.sub(r"<[^>]+>", " ", (await visitor.page("/dashboard")).text).split())
    assert "Key revoked. It was never read to its end." in text


async def test_a_single_store_is_not_offered_as_a_choice(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("1.00"))
    text = (await (await sign_in("member", org)).page("/dashboard")).text
    assert "store-menu" not in text
    assert 'id="tile-stores"' in text
    assert "data-alone" in text


async def test_a_csv_is_of_the_store(two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    text = (await visitor.get(f"/dashboard/tiles/stores.csv?store={two.second}")).text
    assert "Lyon" in text
    assert "Berlin" not in text


async def test_a_push_reaches_each_page_with_its_own_store(rt: Runtime, two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    async with (
        listening(visitor, "/ws/dashboard?since=9") as every,
        listening(visitor, f"/ws/dashboard?since=9&store={two.first}") as berlin,
        listening(visitor, f"/ws/dashboard?since=9&store={two.second}") as lyon,
    ):
        for each in (every, berlin, lyon):
            assert (await each.next())["type"] == "hello"
        await ledgers.write(rt, two.org, two.second, order("5.00"))
        found = [(await each.parts("strip"))["strip"]["html"] for each in (every, berlin, lyon)]
        assert ["$22.00" in found[0], "$10.00" in found[1], "$12.00" in found[2]] == [True] * 3


async def test_nothing_is_drawn_for_stores_that_nobody_looks_at(rt: Runtime, two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    async with (
        listening(visitor, f"/ws/dashboard?since=9&store={two.first}") as one,
        listening(visitor, f"/ws/dashboard?since=9&store={two.first}") as again,
    ):
        await one.next()
        await again.next()
        before = measured("portal_cache_lookups_total", source="computed")
        await ledgers.write(rt, two.org, two.second, order("5.00"))
        drawn = [element.id for each in tiles() for element in each.elements]
        assert await one.parts(*drawn) == await again.parts(*drawn)
        assert measured("portal_cache_lookups_total", source="computed") - before == len(tiles())


async def test_polling_gives_the_parts_of_the_store(two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    answer: Any = (await visitor.get(f"/dashboard/live?since=0&store={two.second}")).json()
    [strip] = [part for part in answer["parts"] if part["id"] == "strip"]
    assert "$7.00" in strip["html"]


async def test_the_stores_tile_tells_them_apart(two: Two, sign_in: SignIn) -> None:
    body: Any = (await (await sign_in("member", two.org)).get("/api/v1/dashboard/stores")).json()
    assert [(each["name"], each["revenue"], each["share_pct"]) for each in body["stores"]] == [
        ("Berlin", 10.0, 58.8), ("Lyon", 7.0, 41.2),
    ]  # fmt: skip
    assert body["revenue"] == 17
    assert body["stores"][0]["own"] == [{"currency": "USD", "revenue": 10.0}]


async def test_the_side_bar_goes_on_with_the_store_where_there_is_one(two: Two, sign_in: SignIn) -> None:
    visitor = await sign_in("member", two.org)
    looking = (await visitor.page(f"/dashboard?store={two.first}")).text
    for path in ("/dashboard", "/orders", "/inventory"):
        assert f'<li><a href="{path}?store={two.first}"' in looking
    assert '<li><a href="/uploads"' in looking
    assert '<li><a href="/orders"' in (await visitor.page("/dashboard")).text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("abc", "must be a whole number."),
        ("-1", "must be at least 1."),
        ("9" * 25, "must be at most 9223372036854775807."),
    ],
)
async def test_a_wrong_store_is_told_in_words(two: Two, sign_in: SignIn, word: str, said: str) -> None:
    assert (await (await sign_in("member", two.org)).get(f"{PULSE}?store={word}")).json()["error"] == f"store {said}"
