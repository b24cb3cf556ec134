from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Product
from portal.connectors.amazon import mapping
from portal.connectors.amazon.marketplaces import MARKETPLACES
from portal.connectors.answers import Rejected
from tests.connectors.amazon.samples import DE, GB, NOW, seller, summary

FR = "A13V1IB3VIYZZH"


def stock(row: Any, marketplace: str = GB, *chosen: str) -> Product:
    found = mapping.stock(row, MARKETPLACES[marketplace], seller(*chosen), NOW)
    assert isinstance(found, Product), found
    return found


def test_only_what_can_be_sold_is_stock() -> None:
    found = stock(summary())
    assert (found.quantity, found.stock_tracked, found.stock_status) == (Decimal(12), True, "in_stock")
    assert (found.external_id, found.sku, found.name) == (f"{GB}:POT-BLUE", "POT-BLUE", "Teapot")
    assert found.modified_at == datetime(2026, 6, 17, tzinfo=UTC), "copies of one day replace each other"


def test_without_details_the_stock_is_unknown_and_not_zero() -> None:
    found = stock(summary(inventoryDetails=None))
    assert (found.quantity, found.stock_tracked, found.stock_status) == (None, False, "in_stock")


def test_none_left_is_out_of_stock() -> None:
    found = stock(summary(inventoryDetails={"fulfillableQuantity": 0}))
    assert (found.stock_status, found.status) == ("out_of_stock", "published")


def test_a_sku_without_a_unit_for_half_a_year_is_no_longer_sold() -> None:
    row = summary(inventoryDetails={"fulfillableQuantity": 0}, totalQuantity=0, lastUpdatedTime="2025-01-01T00:00:00Z")
    assert stock(row).status == "draft"
    assert stock(row | {"totalQuantity": 4}).status == "published"


def test_the_pool_of_the_european_union_is_counted_once_and_the_uk_has_its_own() -> None:
    marketplaces = (GB, DE, FR)
    assert stock(summary(), GB, *marketplaces).stock_of is None
    assert stock(summary(), DE, *marketplaces).stock_of is None
    assert stock(summary(), FR, *marketplaces).stock_of == f"{DE}:POT-BLUE"


def test_a_summary_without_a_sku_is_left_out() -> None:
    assert mapping.stock(summary(sellerSku=""), MARKETPLACES[GB], seller(), NOW) is None


@pytest.mark.parametrize("quantity", ["lots", [], True])
def test_a_quantity_that_is_none_is_rejected(quantity: object) -> None:
    row = summary(inventoryDetails={"fulfillableQuantity": quantity})
    assert isinstance(mapping.stock(row, MARKETPLACES[GB], seller(), NOW), Rejected)


def offer(marketplace: str = GB, *chosen: str, **changes: str) -> Product:
    row = {"seller-sku": "JUG", "item-name": "Jug", "price": "12.50", "quantity": "4", "status": "Active"} | changes
    found = mapping.offer(row, MARKETPLACES[marketplace], seller(*chosen), NOW)
    assert isinstance(found, Product), found
    return found


def test_an_offer_that_the_seller_ships_has_his_quantity_price_and_name() -> None:
    found = offer()
    assert (found.external_id, found.sku, found.name, found.price) == (f"{GB}:JUG", "JUG", "Jug", Decimal("12.50"))
    assert (found.quantity, found.stock_tracked, found.stock_status, found.status) == (
        Decimal(4),
        True,
        "in_stock",
        "published",
    )


def test_a_sold_out_offer_is_still_sold_and_a_closed_or_incomplete_one_is_not() -> None:
    gone = offer(status="Inactive", quantity="0")
    assert (gone.status, gone.stock_status) == ("published", "out_of_stock")
    assert offer(status="Inactive").status == "draft"
    assert offer(status="Incomplete", quantity="").status == "draft"


def test_an_offer_without_a_quantity_is_unknown_and_without_a_readable_price_has_none() -> None:
    found = offer(quantity="", price="12,50 EUR")
    assert (found.quantity, found.stock_tracked, found.price) == (None, False, None)


def test_own_stock_is_one_quantity_in_the_european_union_apart_from_what_lies_at_amazon() -> None:
    assert offer(GB, GB, DE, FR).stock_of is None
    assert offer(DE, GB, DE, FR).stock_of == offer(FR, GB, DE, FR).stock_of == "own:JUG"
    assert stock(summary(sellerSku="JUG"), FR, GB, DE, FR).stock_of == f"{DE}:JUG"


def test_an_offer_with_a_quantity_that_is_none_is_rejected() -> None:
    assert isinstance(mapping.offer({"seller-sku": "J", "quantity": "lots"}, MARKETPLACES[GB], seller(), NOW), Rejected)
    assert mapping.offer({"seller-sku": " "}, MARKETPLACES[GB], seller(), NOW) is None


def test_what_lies_at_amazon_has_the_price_of_its_offer() -> None:
    found = mapping.stock(summary(), MARKETPLACES[GB], seller(), NOW, "19.99")
    assert isinstance(found, Product)
    assert found.price == Decimal("19.99")
