from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Product
from portal.connectors.amazon import mapping
from portal.connectors.amazon.marketplaces import MARKETPLACES
from portal.connectors.base import Rejected
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
    assert found.modified_at == datetime(2026, 6, 15, 10, tzinfo=UTC)


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
