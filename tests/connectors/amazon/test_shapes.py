"""What the mapping reads exists in Amazon's models, and what is made up for the tests has their shape."""

from __future__ import annotations

import msgspec
import pytest

from portal.connectors.amazon import payloads
from portal.connectors.amazon.account import account as of_form
from portal.connectors.amazon.manifest import MANIFEST
from tests.connectors.amazon import samples
from tests.connectors.amazon.shapes import SHAPES, problems

READ = {
    payloads.Money: "Money",
    payloads.Share: "ItemProceedsBreakdown",
    payloads.Detail: "ItemProceedsDetailedBreakdown",
    payloads.Channel: "SalesChannel",
    payloads.Handling: "OrderFulfillment",
    payloads.Price: "ItemPrice",
    payloads.ItemProduct: "ItemProduct",
    payloads.Item: "OrderItem",
    payloads.Alias: "Alias",
    payloads.Associated: "AssociatedOrder",
    payloads.OrderPayload: "Order",
    payloads.InventoryDetails: "InventoryDetails",
    payloads.Summary: "InventorySummary",
    payloads.Amount: "Currency",
    payloads.Related: "RelatedIdentifier",
    payloads.ItemRelated: "ItemRelatedIdentifier",
    payloads.Breakdown: "Breakdown",
    payloads.ProductContext: "ProductContext",
    payloads.TransactionItem: "Item",
    payloads.MarketplaceDetails: "MarketplaceDetails",
    payloads.Transaction: "Transaction",
}


@pytest.mark.parametrize(("kind", "shape"), READ.items(), ids=lambda each: getattr(each, "__name__", each))
def test_every_field_that_is_read_is_one_of_amazons(kind: type[msgspec.Struct], shape: str) -> None:
    assert {each.encode_name for each in msgspec.structs.fields(kind)} <= set(SHAPES[shape])


def test_no_field_about_a_person_is_read() -> None:
    read = {each.encode_name for each in msgspec.structs.fields(payloads.OrderPayload)}
    assert not read & {"buyer", "recipient"}


def test_the_made_up_payloads_have_amazons_shape() -> None:
    for value, shape in (
        (samples.order(), "Order"),
        (samples.summary(), "InventorySummary"),
        (samples.refund(), "Transaction"),
    ):
        assert problems(value, shape) == []


def test_the_form_has_the_guides_fields_by_their_names() -> None:
    fields = {each.name: each for each in MANIFEST.fields}
    assert {
        "seller_id",
        "marketplace_ids",
        "access_key_id",
        "secret_access_key",
        "refresh_token",
        "region",
        "lwa_client_id",
        "lwa_client_secret",
    } <= set(fields)
    assert {name for name, each in fields.items() if each.secret} == {
        "secret_access_key",
        "refresh_token",
        "lwa_client_secret",
    }
    assert all("Not needed since October 2023" in fields[name].help for name in ("access_key_id", "secret_access_key"))
    assert {name for name, each in fields.items() if each.required} == {"seller_id", "marketplace_ids", "refresh_token"}
    assert MANIFEST.rate_limit.text == "5 requests/second with burst"
    assert MANIFEST.rate_limit.per_second == 5


def test_the_aws_keys_change_nothing() -> None:
    with_keys = of_form(samples.FORM | {"access_key_id": "AKIA", "secret_access_key": "x", "region": "eu-west-1"}, {})
    assert with_keys == of_form(samples.FORM, {})
