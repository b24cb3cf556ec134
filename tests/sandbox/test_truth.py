"""The truth is what paging through the API adds up to, and follows every change."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from tests.sandbox.conftest import Shop, open_shop

EXCLUDED = {"cancelled", "failed", "trash", "checkout-draft"}


async def truth(shop: Shop, **query: str) -> Any:
    async with shop.session.get(f"{shop.store.site_url}/_truth", params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def everything(shop: Shop) -> list[Any]:
    return await shop.all("orders", status="any,trash,checkout-draft", orderby="id", order="asc")


def counts(row: Any) -> bool:
    return row["status"] not in EXCLUDED and (row["status"] != "pending" or row["date_paid_gmt"] is not None)


async def test_counts_and_sums_equal_the_api(big: Shop) -> None:
    told, rows = await truth(big), await everything(big)
    assert told["counts"]["orders"] == len(rows)
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for row in rows:
        entry = sums[row["status"], row["currency"]]
        entry[0] += 1
        entry[1] += Decimal(row["total"])
        entry[2] -= sum((Decimal(refund["total"]) for refund in row["refunds"]), Decimal(0))
    assert {
        (line["status"], line["currency"]): [line["orders"], Decimal(line["gross"]), Decimal(line["refunds"])]
        for line in told["statuses"]
    } == sums
    for stream in ("products", "customers", "coupons", "taxes", "refunds"):
        assert told["counts"][stream] == len(await big.all(stream))


async def test_days_equal_the_api_by_the_published_rule(big: Shop) -> None:
    told, rows = await truth(big, days="2000"), await everything(big)
    refunds = await big.all("refunds")
    days: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    by_id = {row["id"]: row for row in rows}
    for row in filter(counts, rows):
        entry = days[(row["date_paid"] or row["date_created"])[:10], row["currency"]]
        entry[0] += 1
        entry[1] += Decimal(row["total"])
    for refund in refunds:
        order = by_id[refund["parent_id"]]
        if counts(order):
            days[refund["date_created"][:10], order["currency"]][2] += Decimal(refund["amount"])
    assert {
        (line["date"], line["currency"]): [line["orders"], Decimal(line["gross"]), Decimal(line["refunds"])]
        for line in told["days"]
    } == days
    for line in told["revenue"]:
        own = [d for d in told["days"] if d["currency"] == line["currency"]]
        assert sum(Decimal(d["net"]) for d in own) == Decimal(line["net"])


async def test_ids_equal_the_streams(big: Shop) -> None:
    ids = (await truth(big, ids="1"))["ids"]
    for stream in ("refunds", "products", "customers", "coupons"):
        assert {row["id"] for row in await big.all(stream)} == set(ids[stream])
    assert {row["id"] for row in await big.all("orders")} == set(ids["orders_in_any"])


async def test_another_zone_moves_orders_to_other_days_but_not_the_sums(big: Shop) -> None:
    berlin, tokyo = await truth(big, days="2000"), await truth(big, days="2000", timezone="Asia/Tokyo")
    assert berlin["days"] != tokyo["days"]
    assert berlin["revenue"] == tokyo["revenue"]


async def test_stock_and_sales_by_sku(big: Shop) -> None:
    told = await truth(big)
    products = {row["id"]: row for row in await big.all("products")}
    for row in told["stock"]:
        if not row["variation_id"]:
            assert products[row["product_id"]]["stock_quantity"] == row["stock_quantity"]
    assert any(row["units_30d"] > 0 for row in told["stock"])
    assert sum(row["units"] for row in told["sales_by_sku_30d"]) > 20


async def test_the_truth_follows_every_change() -> None:
    async with open_shop(currency="CHF") as shop:

        async def net() -> Decimal:
            told = await truth(shop)
            return next(Decimal(row["net"]) for row in told["revenue"] if row["currency"] == "CHF")

        start = await net()
        placed = shop.control("place_order", total="100.00")
        assert await net() == start + 100
        shop.control("refund", order=placed["order_id"], amount="30")
        assert await net() == start + 70
        shop.control("trash", order=placed["order_id"])
        assert await net() == start
        shop.control("restore", order=placed["order_id"])
        assert await net() == start + 70
        shop.control("edit_order", order=placed["order_id"], status="cancelled")
        assert await net() == start
        shop.control("place_order", total="5.00", status="pending")
        assert await net() == start
        shop.control("force_delete", order=placed["order_id"])
        assert await net() == start


async def test_wrong_questions_are_refused(big: Shop) -> None:
    for query, field in (({"timezone": "Mars"}, "timezone"), ({"days": "x"}, "days"), ({"day": "1"}, "day")):
        async with big.session.get(f"{big.store.site_url}/_truth", params=query) as answer:
            assert answer.status == 400
            assert (await answer.json())["details"]["field"] == field


async def test_the_root_tells_the_truth_of_all_stores(big: Shop) -> None:
    async with big.session.get(f"{big.sandbox.url}/_truth") as answer:
        assert set((await answer.json())["stores"]) == {"shop"}
