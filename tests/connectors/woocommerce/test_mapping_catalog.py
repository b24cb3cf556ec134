from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Coupon, Customer, Deleted, Product, TaxRate
from portal.connectors.answers import Rejected
from portal.connectors.woocommerce import mapping
from tests.connectors.woocommerce import samples
from tests.connectors.woocommerce.samples import NOW


def product(**changes: Any) -> Product:
    found = mapping.product(samples.product(**changes), NOW)
    assert isinstance(found, Product), found
    return found


def test_a_tracked_product_has_its_quantity() -> None:
    found = product()
    assert (found.quantity, found.stock_tracked, found.stock_status) == (3, True, "in_stock")
    assert (found.price, found.regular_price, found.sale_price) == (6, 7, 6)
    assert found.categories == ("Kitchen & more",)
    assert found.image_url == "https://shop.example.test/teapot.jpg"


def test_stock_that_is_not_managed_is_unknown_and_never_zero() -> None:
    found = product(manage_stock=False, stock_quantity=0)
    assert (found.quantity, found.stock_tracked) == (None, False)


def test_an_empty_price_is_unknown() -> None:
    found = product(price="", regular_price="", sale_price=None)
    assert (found.price, found.regular_price, found.sale_price) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"status": "trash"}, "trashed"), ({"status": "private"}, "private"), ({"status": "future"}, "draft")],
)
def test_statuses_of_products(changes: dict[str, Any], status: str) -> None:
    assert product(**changes).status == status


def test_a_variable_parent_holds_no_stock() -> None:
    found = product(type="variable", stock_quantity=9)
    assert (found.kind, found.stock_tracked, found.quantity) == ("variable", False, None)


def test_a_variable_product_names_its_variations_and_an_odd_list_says_nothing() -> None:
    assert product(type="variable", variations=[22, 21]).variant_ids == ("21", "22")
    assert product(type="variable", variations={"0": 21, "2": 22}).variant_ids == ("21", "22")
    for odd in ([], None, "21", [21, {"id": 22}], [0]):
        assert product(type="variable", variations=odd).variant_ids is None
    assert product(variations=[21]).variant_ids is None


def test_a_variation_with_the_parents_stock_has_that_quantity() -> None:
    parent = samples.product(id=20, type="variable", name="Mug", stock_quantity=9, low_stock_amount="2")
    row = samples.product(id=21, name="Red", manage_stock="parent", stock_quantity=None, categories=[], images=[])
    found = mapping.variation(row, parent, NOW)
    assert isinstance(found, Product)
    assert (found.parent_id, found.kind, found.name) == ("20", "variation", "Mug - Red")
    assert (found.quantity, found.stock_tracked, found.low_stock_threshold) == (9, True, 2)
    assert found.stock_of == "20", "summing the variations must not count the parent's stock twice"
    assert found.categories == ("Kitchen & more",)


def test_a_variation_without_a_name_is_called_by_its_options() -> None:
    row = samples.product(id=21, attributes=[{"option": "Red"}, {"option": "L"}])
    del row["name"]
    found = mapping.variation(row, samples.product(id=20, name="Mug"), NOW)
    assert isinstance(found, Product)
    assert found.name == "Mug - Red, L"


def test_two_products_may_share_a_sku() -> None:
    assert product(id=1).sku == product(id=2).sku == "TEA-1"
    assert product(sku="").sku is None


def test_types_of_plug_ins_are_read_by_what_they_mean_for_stock() -> None:
    assert product(type="variable-subscription").kind == "variable"
    assert product(type="woosb").kind == "bundle"
    assert product(type="ticket").kind == "simple"


def test_negative_and_broken_stock_are_kept() -> None:
    assert product(stock_quantity=-2, backorders="yes").quantity == -2
    assert product(stock_quantity="1.5").quantity == Decimal("1.5")


def test_an_address_that_is_no_web_address_is_no_picture() -> None:
    assert product(images=[{"src": "javascript:alert(1)"}]).image_url == ""


def test_a_broken_price_rejects_the_product() -> None:
    found = mapping.product(samples.product(price="free"), NOW)
    assert isinstance(found, Rejected)
    assert "price" in found.reason


def test_a_customer_who_never_changed_is_as_old_as_the_account() -> None:
    found = mapping.customer(samples.customer(), NOW)
    assert isinstance(found, Customer)
    assert found.modified_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert (found.name, found.country, found.city, found.is_paying) == ("Ada Lovelace", "GB", "London", True)


def test_a_coupon_may_expire_far_ahead() -> None:
    found = mapping.coupon(samples.coupon(), NOW)
    assert isinstance(found, Coupon)
    assert found.expires_at == datetime(2031, 1, 1, tzinfo=UTC)
    assert (found.kind, found.amount, found.usage_limit) == ("percent", 10, None)


def test_a_tax_rate_is_as_old_as_its_reading() -> None:
    found = mapping.tax_rate(samples.tax(), NOW)
    assert isinstance(found, TaxRate)
    assert (found.modified_at, found.rate_percent, found.tax_class) == (NOW, 19, "standard")


def test_what_was_deleted_is_named_by_its_id_only() -> None:
    found = mapping.deleted("orders", {"id": 12}, NOW, trashed=True)
    assert found == Deleted(external_id="12", modified_at=NOW, of="orders", trashed=True)
    assert isinstance(mapping.deleted("orders", {}, NOW, trashed=True), Rejected)
