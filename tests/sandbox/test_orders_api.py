"""Listing orders: paging, cursors and their traps, each as a real store behaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.conftest import Shop


def gmt(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def tie_second(shop: Shop) -> int:
    seconds = [order.modified for order in shop.store.orders.values()]
    return max(set(seconds), key=seconds.count)


async def total(shop: Shop, **query: object) -> int:
    return int((await shop.ask("GET", "orders", per_page=1, **query)).headers["X-WP-Total"])


async def test_pages_carry_totals_and_links(big: Shop) -> None:
    first = await big.ask("GET", "orders", per_page=100)
    visible = [o for o in big.store.orders.values() if o.status not in ("trash", "checkout-draft")]
    assert first.headers["X-WP-Total"] == str(len(visible))
    assert first.headers["X-WP-TotalPages"] == str(-(-len(visible) // 100))
    assert 'rel="next"' in first.headers["Link"]
    assert 'rel="prev"' not in first.headers["Link"]
    second = await big.ask("GET", "orders", per_page=100, page=2)
    assert 'rel="prev"' in second.headers["Link"]
    assert 'rel="next"' in second.headers["Link"]
    address = first.headers["Link"].split(";")[0].strip("<>")
    assert parse_qs(urlsplit(address).query)["page"] == ["2"]
    assert not {row["id"] for row in first.body} & {row["id"] for row in second.body}


async def test_all_pages_together_are_every_order_once(big: Shop) -> None:
    ids = [row["id"] for row in await big.all("orders", orderby="id", order="asc", _fields="id")]
    expected = [o.id for o in big.store.orders.values() if o.status not in ("trash", "checkout-draft")]
    assert ids == expected


async def test_past_the_end_orders_and_refunds_say_zero_and_others_keep_the_total(big: Shop) -> None:
    for path in ("orders", "refunds"):
        answer = await big.ask("GET", path, per_page=100, page=99)
        assert (answer.status, answer.body, answer.headers["X-WP-Total"]) == (200, [], "0")
    for path in ("products", "customers", "coupons"):
        answer = await big.ask("GET", path, per_page=100, page=99)
        assert (answer.status, answer.body) == (200, [])
        assert int(answer.headers["X-WP-Total"]) > 0


async def test_modified_after_is_strict_and_ties_are_lost_by_a_naive_cursor(big: Shop) -> None:
    tie = tie_second(big)
    before = await total(big, modified_after=gmt(tie - 1), dates_are_gmt="true")
    at = await total(big, modified_after=gmt(tie), dates_are_gmt="true")
    hidden = [o for o in big.store.orders.values() if o.modified == tie and o.status in ("trash", "checkout-draft")]
    assert before - at == 40 - len(hidden)


async def test_a_zone_together_with_the_gmt_flag_loses_orders_of_the_site_offset(big: Shop) -> None:
    tie = tie_second(big)
    right = await total(big, modified_after=gmt(tie - 1), dates_are_gmt="true")
    wrong = await total(big, modified_after=gmt(tie - 1) + "Z", dates_are_gmt="true")
    shifted = await total(big, modified_after=gmt(tie - 1 + 7_200), dates_are_gmt="true")
    assert wrong == shifted < right
    assert await total(big, modified_after=gmt(tie - 1) + "Z") == right


async def test_a_naive_date_without_the_flag_is_local_time(big: Shop) -> None:
    tie = tie_second(big)
    local = (datetime.fromtimestamp(tie - 1, UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    assert await total(big, modified_after=local) == await total(big, modified_after=gmt(tie - 1), dates_are_gmt="true")


async def test_modified_order_is_by_second_and_then_id(big: Shop) -> None:
    rows = await big.all("orders", orderby="modified", order="asc", _fields="id,date_modified_gmt")
    keys = [(row["date_modified_gmt"], row["id"]) for row in rows]
    assert keys == sorted(keys)


async def test_any_leaves_out_trash_and_drafts_which_can_be_asked_for(big: Shop) -> None:
    statuses = {row["status"] for row in await big.all("orders", status="any", _fields="status")}
    assert not statuses & {"trash", "checkout-draft"}
    for status in ("trash", "checkout-draft"):
        rows = await big.all("orders", status=status, _fields="status")
        assert rows
        assert {row["status"] for row in rows} == {status}
    both = await big.all("orders", status="trash,completed", _fields="status")
    assert {row["status"] for row in both} == {"trash", "completed"}


async def test_include_exclude_search_customer_and_created_bounds(big: Shop) -> None:
    some = [o for o in big.store.orders.values() if o.status == "completed" and o.customer_id][:3]
    ids = [order.id for order in some]
    rows = await big.get("orders", include=",".join(map(str, ids)), orderby="include")
    assert [row["id"] for row in rows] == ids
    rows = await big.get("orders", include=",".join(map(str, ids)), exclude=ids[0])
    assert {row["id"] for row in rows} == set(ids[1:])
    rows = await big.all("orders", customer=some[0].customer_id, _fields="customer_id")
    assert {row["customer_id"] for row in rows} == {some[0].customer_id}
    after = await big.all("orders", after=gmt(some[1].created), dates_are_gmt="1", _fields="id")
    assert some[1].id not in {row["id"] for row in after}
    assert some[2].id in {row["id"] for row in after}
    assert await big.get("orders", search="Müller & Söhne") == []
    assert await big.get("orders", parent=5) == []


async def test_decimals_can_be_switched_off(big: Shop) -> None:
    order = next(o for o in big.store.orders.values() if o.currency == "JPY" and o.total > 100)
    assert "." in (await big.get(f"orders/{order.id}"))["total"]
    short = await big.get(f"orders/{order.id}", dp=0)
    assert "." not in short["total"]
    assert "." not in short["line_items"][0]["total"]


async def test_fields_reach_one_level_down(big: Shop) -> None:
    rows = await big.get("orders", per_page=1, _fields="id,billing.email")
    assert set(rows[0]) == {"id", "billing"}
    assert set(rows[0]["billing"]) == {"email"}


async def test_head_answers_without_a_body(big: Shop) -> None:
    answer = await big.ask("HEAD", "orders", per_page=1)
    assert answer.status == 200
    assert answer.body == b""
    assert int(answer.headers["X-WP-Total"]) > 600


async def test_options_needs_no_key(big: Shop) -> None:
    answer = await big.ask("OPTIONS", "orders", key="")
    assert answer.status == 200
    assert answer.body["methods"] == ["GET", "POST"]


@pytest.mark.parametrize("path", ["orders", "products", "customers", "refunds", "coupons", "taxes", "webhooks"])
async def test_every_collection_refuses_101_rows(big: Shop, path: str) -> None:
    answer = await big.ask("GET", path, per_page=101)
    assert answer.status == 400
    assert answer.body["code"] == "rest_invalid_param"
