"""The rows behind the numbers: orders and stock, their filters, paging and detail."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest

from portal.commerce.records import Deleted, OrderStatus
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import line, order, product, refund
from tests.visitors import Visitor


def numbers(text: str) -> list[str]:
    """The order ids on a page, in order."""
    return re.findall(r'href="/orders/\d+/([^"]+)"', text)


async def pages(visitor: Visitor, path: str, pattern: str) -> list[list[str]]:
    """What `pattern` finds on the page and on each next one."""
    found, address = [], path
    while address:
        text = (await visitor.page(address)).text
        found.append(re.findall(pattern, text))
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = unescape(following[1]) if following else ""
        assert len(found) < 10
    return found


@pytest.fixture
async def shop(rt: Runtime, org: UUID) -> int:
    await ledgers.at_noon(rt, org)
    return await ledgers.connect(rt, org)


async def test_orders_are_paged_newest_first_without_gaps_or_repeats(
    rt: Runtime, org: UUID, sign_in: SignIn, shop: int
) -> None:
    moment = ledgers.now()
    # Forty of one second, so that a page ends between equals.
    orders = [order("1.00", id=f"n{n:03}", at=moment - timedelta(minutes=max(0, n - 40))) for n in range(120)]
    await ledgers.write(rt, org, shop, *orders)
    found = await pages(await sign_in("operator", org), "/orders", r'href="/orders/\d+/(n\d+)"')
    assert [len(part) for part in found] == [50, 50, 20]
    shown = [each for part in found for each in part]
    assert sorted(shown) == [f"n{n:03}" for n in range(120)]
    assert shown[41:] == [f"n{n:03}" for n in range(41, 120)]


async def test_orders_can_be_filtered(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    today, earlier = ledgers.now(), ledgers.now() - timedelta(days=3)
    await ledgers.write(
        rt,
        org,
        shop,
        order("1.00", id="today", at=today, customer_name="Grace Hopper"),
        order("1.00", id="earlier", at=earlier, customer_email="ada@example.com"),
        order("1.00", id="refunded", at=earlier, status=OrderStatus.REFUNDED, number="100%_off"),
    )
    visitor = await sign_in("member", org)
    day = (earlier).date().isoformat()
    for query, expected in (
        ("day=today", ["today"]),
        ("status=refunded", ["refunded"]),
        ("q=HOPPER", ["today"]),
        ("q=ada%40example", ["earlier"]),
        ("q=100%25_", ["refunded"]),
        ("q=%25", []),  # a sign, no word
        ("status=completed&q=grace", ["today"]),
        ("q=nobody", []),
        ("day=2001-01-01", []),
        ("q=", ["today", "refunded", "earlier"]),
    ):
        text = (await visitor.page(f"/orders?{query}")).text
        assert sorted(numbers(text)) == sorted(expected), query
    assert (await visitor.page(f"/orders?day={day}")).status == 200
    assert "No order matches." in (await visitor.page("/orders?q=nobody")).text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/orders?status=lost", ["draft", "pending", "on_hold"]),
        ("/orders?day=2026-02-31", None),
        ("/orders?day=yesterday", None),
        ("/orders?after=nonsense", None),
        ("/orders?after=WzEsMl0", None),
        ("/orders?sort=total", ["after", "day", "q"]),
        ("/inventory?show=some", ["alerts", "out_of_stock", "low_stock", "overstock", "all"]),
        ("/inventory?after=%00", None),
        (f"/orders?q={'x' * 101}", None),
    ],
)
async def test_wrong_filters_are_refused_with_what_would_be_right(
    org: UUID, sign_in: SignIn, path: str, allowed: list[str] | None
) -> None:
    visitor = await sign_in("member", org)
    answer = await visitor.get(path)
    assert answer.status == 400
    if allowed:
        assert answer.json()["details"]["allowed"][: len(allowed)] == allowed
    browser = await visitor.page(path)
    assert browser.status == 400
    assert "<h1" in browser.text


async def test_htmx_gets_the_list_alone(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    await ledgers.write(rt, org, shop, order("1.00", id="one"), product("A", 0))
    visitor = await sign_in("member", org)
    for path, element in (("/orders", "orders"), ("/inventory", "inventory")):
        part = (await visitor.page(path, headers={"HX-Request": "true"})).text
        assert part.strip().startswith(f'<section id="{element}">')
        assert f'<section id="{element}">' in (await visitor.page(path)).text


async def test_an_order_shows_its_lines_refunds_and_facts(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    sale = order(
        "119.00",
        line("LAMP", "80.00", 2, name="Oak lamp"),
        line(None, "20.00", product_id=None, name="Something gone"),
        id="77",
        number="R-77",
        note="Leave it at the door",
        payment_method="Invoice",
        country="DE",
    )
    await ledgers.write(rt, org, shop, sale, refund(sale, "19.00", reason="Broken shade"))
    visitor = await sign_in("operator", org)
    text = (await visitor.page(f"/orders/{shop}/77")).text
    for expected in (
        "R-77",
        "Oak lamp",
        "LAMP",
        "deleted product",
        "$119.00",
        "Broken shade",
        "−$19.00",
        "Leave it",
        "Invoice",
    ):
        assert expected in text, expected
    assert (await visitor.page(f"/orders/{shop}/78")).status == 404
    assert (await visitor.page(f"/orders/{shop + 10_000}/77")).status == 404


async def test_an_order_that_is_gone_at_the_store_says_so(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    await ledgers.write(rt, org, shop, order("5.00", id="here"), order("5.00", id="gone"))
    await ledgers.write(rt, org, shop, Deleted(external_id="gone", of="orders", modified_at=ledgers.now()))
    visitor = await sign_in("member", org)
    assert "any more" not in (await visitor.page(f"/orders/{shop}/here")).text
    assert "This order is not at Main store any more." in (await visitor.page(f"/orders/{shop}/gone")).text


async def test_stock_is_listed_by_urgency_and_kind(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    sales = (order("1.00", line("OUT", "1.00", 9)), order("1.00", line("LOW", "1.00", 30)))
    fine = product("FINE", 20, created_at=ledgers.now())
    stock = (product("OUT", 0), product("LOW", 3), product("MUCH", 900), fine, product("FREE", None))
    await ledgers.write(rt, org, shop, *sales, *stock)
    visitor = await sign_in("member", org)
    for query, expected in (
        ("", ["OUT", "LOW", "MUCH"]),
        ("?show=out_of_stock", ["OUT"]),
        ("?show=low_stock", ["LOW"]),
        ("?show=overstock", ["MUCH"]),
        ("?show=all", ["OUT", "LOW", "MUCH", "FINE", "FREE"]),
        ("?show=all&q=fine", ["FINE"]),
    ):
        text = (await visitor.page(f"/inventory{query}")).text
        assert re.findall(r"Name of (\w+)", text) == expected, query
    everything = (await visitor.page("/inventory?show=all")).text
    assert "not tracked" in everything


async def test_stock_is_paged_without_gaps_or_repeats(rt: Runtime, org: UUID, sign_in: SignIn, shop: int) -> None:
    await ledgers.write(rt, org, shop, *(product(f"S{n:03}", n % 7) for n in range(110)))
    found = await pages(await sign_in("member", org), "/inventory?show=all", r"Name of (S\d+)")
    assert sorted(each for part in found for each in part) == [f"S{n:03}" for n in range(110)]
