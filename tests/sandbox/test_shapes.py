"""What the fields mean: types, signs, sums; the details a mapping stumbles over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.conftest import Shop

ORDER_TEXT = ("status", "currency", "date_created", "date_modified_gmt", "total", "total_tax", "order_key", "number",
              "customer_note", "payment_method", "currency_symbol", "cart_tax", "discount_total")  # fmt: skip


def money(text: str) -> Decimal:
    return Decimal(text)


async def test_order_money_is_text_and_only_the_unit_price_is_a_number(big: Shop) -> None:
    for row in await big.get("orders", per_page=50):
        assert all(isinstance(row[name], str) for name in ORDER_TEXT)
        assert isinstance(row["id"], int)
        assert isinstance(row["customer_id"], int)
        assert row["prices_include_tax"] is False
        for line in row["line_items"]:
            assert isinstance(line["total"], str)
            assert isinstance(line["quantity"], int)
            assert isinstance(line["price"], int | float)
            assert not isinstance(line["price"], bool)


async def test_an_order_adds_up(big: Shop) -> None:
    for row in await big.all("orders"):
        parts = [money(part["total"]) for kind in ("line_items", "shipping_lines", "fee_lines") for part in row[kind]]
        assert sum(parts, Decimal(0)) + money(row["total_tax"]) == money(row["total"])
        taxes = sum((money(t["tax_total"]) + money(t["shipping_tax_total"]) for t in row["tax_lines"]), Decimal(0))
        assert taxes == money(row["total_tax"])
        discounts = sum((money(line["subtotal"]) - money(line["total"]) for line in row["line_items"]), Decimal(0))
        assert discounts == money(row["discount_total"])


async def test_a_deleted_product_leaves_a_line_without_id_and_sku(big: Shop) -> None:
    order = next(o for o in big.store.orders.values() if any(line.product.gone for line in o.lines))
    lines = (await big.get(f"orders/{order.id}"))["line_items"]
    gone = next(line for line in lines if line["product_id"] == 0)
    assert gone["sku"] is None
    assert gone["name"]


async def test_refunds_are_negative_in_the_order_and_positive_in_the_lists(big: Shop) -> None:
    order = next(o for o in big.store.orders.values() if o.status == "refunded" and o.refunds and o.total > 0)
    row = await big.get(f"orders/{order.id}")
    assert money(row["total"]) > 0
    assert money(row["refunds"][0]["total"]) == -money(row["total"])
    own = await big.get(f"orders/{order.id}/refunds")
    assert money(own[0]["amount"]) == money(row["total"])
    assert all(line["quantity"] < 0 and money(line["total"]) <= 0 for line in own[0]["line_items"])
    listed = next(r for r in await big.all("refunds") if r["id"] == own[0]["id"])
    assert listed["parent_id"] == order.id
    assert "parent_id" not in own[0]


async def test_unpaid_orders_have_no_paid_date(big: Shop) -> None:
    for row in await big.get("orders", status="pending,failed"):
        assert row["date_paid"] is None
        assert row["date_paid_gmt"] is None


async def test_local_and_gmt_dates_differ_by_the_zone(big: Shop) -> None:
    row = (await big.get("orders", per_page=1))[0]
    assert row["date_created"][11:13] != row["date_created_gmt"][11:13]


async def test_products_and_variations(big: Shop) -> None:
    products = await big.all("products")
    assert len(products) == len(big.store.products)
    assert {row["type"] for row in products} == {"simple", "variable"}
    assert {row["stock_status"] for row in products} >= {"instock", "outofstock", "onbackorder"}
    parent = next(row for row in products if row["variations"])
    assert parent["stock_quantity"] is None
    assert parent["manage_stock"] is False
    variations = await big.all(f"products/{parent['id']}/variations")
    assert {row["id"] for row in variations} == set(parent["variations"])
    assert all(row["parent_id"] == parent["id"] and isinstance(row["stock_quantity"], int) for row in variations)
    one = await big.get(f"products/{parent['id']}/variations/{variations[0]['id']}")
    assert one == variations[0]


async def test_some_variations_share_the_sku_of_their_parent(big: Shop) -> None:
    skus: dict[str, set[int]] = {}
    for row in big.store.variations.values():
        skus.setdefault(row.sku, set()).add(row.id)
    assert any(len(ids) > 1 for ids in skus.values())


async def test_products_do_filter_by_modification(big: Shop) -> None:
    assert await big.get("products", modified_after="2090-01-01T00:00:00") == []
    sold_out = await big.all("products", stock_status="outofstock")
    assert sold_out
    assert {row["stock_status"] for row in sold_out} == {"outofstock"}


async def test_customers_ignore_modified_after_and_refuse_to_sort_by_it(big: Shop) -> None:
    answer = await big.ask("GET", "customers", per_page=1, modified_after="2090-01-01T00:00:00")
    assert int(answer.headers["X-WP-Total"]) == len(big.store.customers)
    refused = await big.ask("GET", "customers", orderby="modified")
    assert refused.status == 400
    assert refused.body["data"]["params"]["orderby"].endswith("id, include, name, and registered_date.")
    ids = [row["id"] for row in await big.all("customers", orderby="id", order="asc")]
    assert ids == sorted(big.store.customers)


async def test_the_store_tells_its_currency_zone_and_taxes(big: Shop) -> None:
    assert (await big.get("data/currencies/current"))["code"] == "EUR"
    settings: dict[str, Any] = {row["id"]: row["value"] for row in await big.get("settings/general")}
    assert settings["woocommerce_currency"] == "EUR"
    status = await big.get("system_status")
    assert status["settings"]["HPOS_enabled"] is True
    assert status["environment"]["default_timezone"] == "UTC"
    async with big.session.get(f"{big.store.site_url}/wp-json/") as answer:
        index = await answer.json()
    assert index["timezone_string"] == "Europe/Berlin"
    assert index["gmt_offset"] == 2
    taxes = await big.get("taxes")
    assert taxes[0]["rate"] == "19.0000"
    coupons = await big.get("coupons")
    assert {row["discount_type"] for row in coupons} == {"percent", "fixed_cart"}


async def test_the_sales_report_lies_with_zeros_and_the_totals_count(big: Shop) -> None:
    report = (await big.get("reports/sales", date_min="2026-01-01", date_max="2026-06-17"))[0]
    assert report["total_sales"] == "0.00"
    assert report["total_orders"] == 0
    totals = {row["slug"]: row["total"] for row in await big.get("reports/orders/totals")}
    assert "trash" not in totals
    assert totals["completed"] == sum(o.status == "completed" for o in big.store.orders.values())
