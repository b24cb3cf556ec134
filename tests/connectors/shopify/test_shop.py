from __future__ import annotations

from typing import Any

import pytest

from portal.connectors.shopify.manifest import MANIFEST
from portal.connectors.shopify.shop import normalised, shop
from portal.foundation.errors import Permanent

TOKEN = {"shop_domain": "mystore.myshopify.com", "access_token": "shpat_1"}
APP = {"shop_domain": "mystore.myshopify.com", "client_id": "abc", "client_secret": "def"}


@pytest.mark.parametrize(
    "given",
    [
        "mystore.myshopify.com",
        " https://MyStore.myshopify.com/admin/orders?x=1 ",
        "mystore",
        "admin.shopify.com/store/mystore/orders",
        "https://admin.shopify.com/store/mystore",
    ],
)
def test_what_people_paste_becomes_the_shops_domain(given: str) -> None:
    assert normalised(given) == "mystore.myshopify.com"


@pytest.mark.parametrize("given", ["", "my store", "http://", "127.0.0.1", "-x", "a..b", "shop_.com", "x" * 300])
def test_what_is_no_domain_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(Permanent) as wrong:
        normalised(given)
    assert "mystore.myshopify.com" in wrong.value.advice


def test_the_address_is_the_shops_own_or_below_the_operators() -> None:
    assert shop(TOKEN).graphql_url == "https://mystore.myshopify.com/admin/api/2026-10/graphql.json"
    other = shop(TOKEN, "http://127.0.0.1:8801")
    assert other.graphql_url == "http://127.0.0.1:8801/mystore.myshopify.com/admin/api/2026-10/graphql.json"
    assert other.token_url == "http://127.0.0.1:8801/mystore.myshopify.com/admin/oauth/access_token"


@pytest.mark.parametrize(
    ("fields", "kind", "fall_back"),
    [
        (TOKEN, "access_token", False),
        (APP, "client_credentials", False),
        ({**TOKEN, **APP}, "access_token", True),
        ({**TOKEN, "client_secret": "only_signs"}, "access_token", False),
        ({**TOKEN, **APP, "credential_kind": "client_credentials"}, "client_credentials", False),
        ({**TOKEN, **APP, "credential_kind": "access_token"}, "access_token", False),
    ],
)
def test_either_kind_of_credentials_signs_in(fields: dict[str, str], kind: str, fall_back: bool) -> None:
    found = shop(fields)
    assert (found.kind, found.fall_back) == (kind, fall_back)


@pytest.mark.parametrize(
    "fields",
    [
        {"shop_domain": "mystore.myshopify.com"},
        {"shop_domain": "mystore.myshopify.com", "client_id": "abc"},
        {**APP, "credential_kind": "access_token"},
        {**TOKEN, "credential_kind": "password"},
        {**TOKEN, "access_token": "shpat_ü"},
    ],
)
def test_credentials_that_cannot_work_are_refused_with_advice(fields: dict[str, Any]) -> None:
    with pytest.raises(Permanent) as wrong:
        shop(fields)
    assert wrong.value.advice


def test_the_manifest_has_the_guides_fields_and_figures() -> None:
    labels = {field.name: field.label for field in MANIFEST.fields}
    assert list(labels)[:2] == ["shop_domain", "access_token"]
    assert (labels["shop_domain"], labels["access_token"]) == ("Shop Domain", "Access Token")
    assert {field.name for field in MANIFEST.fields if field.secret} == {"access_token", "client_secret"}
    assert MANIFEST.address_fields == ("shop_domain",)
    assert MANIFEST.rate_limit.text == "40 requests/second"
    named = {each.name: each.required for each in MANIFEST.permissions}
    assert named["read_orders"]
    assert not named["read_all_orders"]
    assert {"read_products", "read_customers", "read_analytics", "read_inventory"} <= set(named)
