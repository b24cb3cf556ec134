from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Customer, Product
from portal.connectors.answers import Rejected
from portal.connectors.shopify import mapping
from tests.connectors.shopify import samples
from tests.connectors.shopify.samples import NOW, level, variant


def mapped(*variants: Any, **changes: Any) -> list[Product]:
    found = mapping.product(samples.product(*variants, **changes), NOW)
    assert not any(isinstance(each, Rejected) for each in found), found
    return [each for each in found if isinstance(each, Product)]


def test_a_product_holds_no_stock_and_its_variant_does() -> None:
    product, sold = mapped(variant(level(4), level(3, 2)))
    assert (product.kind, product.stock_tracked, product.quantity) == ("variable", False, None)
    assert (sold.kind, sold.parent_id, sold.external_id, sold.sku) == ("variation", "31", "41", "TP-B")
    assert (sold.stock_tracked, sold.quantity, sold.stock_status) == (True, Decimal(7), "in_stock")
    assert sold.name == "Teapot - Blue"
    assert sold.categories == ("Kitchen", "Teapots")
    assert sold.image_url == "https://cdn.example.test/teapot.png"


def test_a_product_names_its_variants_so_that_deleted_ones_are_noticed() -> None:
    assert mapped()[0].variant_ids == ("41",)
    assert mapping.product(samples.product() | {"variants": {"nodes": []}}, NOW)[0].variant_ids is None  # type: ignore[union-attr]


def test_the_hidden_variant_of_a_product_without_options_has_its_name() -> None:
    assert mapped(variant(level(1), title="Default Title"))[1].name == "Teapot"


def test_a_price_below_its_comparison_is_a_sale() -> None:
    sold = mapped()[1]
    assert (sold.price, sold.regular_price, sold.sale_price) == (Decimal(20), Decimal(25), Decimal(20))
    plain = mapped(variant(level(1), compareAtPrice=None))[1]
    assert (plain.regular_price, plain.sale_price) == (Decimal(20), None)


@pytest.mark.parametrize(
    ("levels", "policy", "quantity", "status"),
    [
        ((level(0),), "DENY", 0, "out_of_stock"),
        ((level(-2),), "CONTINUE", -2, "on_backorder"),
        ((level(5), level(9, 2, isActive=False)), "DENY", 5, "in_stock"),
        ((), "DENY", 7, "in_stock"),  # no location: the shop's own sum
    ],
)
def test_stock_is_what_is_available_at_active_locations(
    levels: tuple[Any, ...], policy: str, quantity: int, status: str
) -> None:
    sold = mapped(variant(*levels, inventoryPolicy=policy))[1]
    assert (sold.quantity, sold.stock_status) == (Decimal(quantity), status)
    assert sold.backorders == ("yes" if policy == "CONTINUE" else "no")


def test_untracked_stock_is_unknown_and_not_zero() -> None:
    sold = mapped(variant(tracked=False, inventoryQuantity=0))[1]
    assert (sold.stock_tracked, sold.quantity, sold.stock_status) == (False, None, "in_stock")


def test_without_the_right_to_read_inventory_the_shops_own_sum_counts() -> None:
    sold = mapped(variant(inventoryItem={"id": "gid://shopify/InventoryItem/61", "tracked": True}))[1]
    assert sold.quantity == Decimal(7)


def test_more_locations_than_were_read_are_not_summed() -> None:
    row = variant(level(1))
    row["inventoryItem"]["inventoryLevels"]["pageInfo"]["hasNextPage"] = True
    assert mapped(row)[1].quantity == Decimal(7)


def test_stock_moves_the_stamp() -> None:
    assert mapped(variant(level(7)))[1].modified_at == datetime(2026, 3, 9, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ACTIVE", "published"),
        ("UNLISTED", "published"),
        ("DRAFT", "draft"),
        ("ARCHIVED", "private"),
        ("NEW", "private"),
    ],
)
def test_states_of_products(word: str, status: str) -> None:
    assert {each.status for each in mapped(status=word)} == {status}


def test_a_bad_variant_does_not_cost_its_product() -> None:
    found = mapping.product(samples.product(variant(level(1), price=None)), NOW)
    assert isinstance(found[0], Product)
    assert isinstance(found[1], Rejected)
    assert "price" in found[1].reason


def test_a_customer() -> None:
    (found,) = mapping.customer(samples.customer(), NOW)
    assert isinstance(found, Customer)
    assert (found.external_id, found.name, found.email, found.city, found.country) == (
        "51",
        "Ada Lovelace",
        "ada@example.test",
        "Graz",
        "AT",
    )
    assert found.is_paying


def test_a_customer_without_a_name_is_not_called_by_the_address() -> None:
    (found,) = mapping.customer(
        samples.customer(firstName=None, lastName=None, displayName="ada@example.test", defaultAddress=None), NOW
    )
    assert isinstance(found, Customer)
    assert (found.name, found.country) == ("", "")
