"""The credentials form's validation, generated from the manifest."""

from __future__ import annotations

import pytest

from portal.foundation.errors import Invalid, Missing
from portal.stores.service import from_form, validate_credentials

RIGHT = {"site_url": "https://shop.example.com", "consumer_key": "ck_123", "consumer_secret": "cs_456"}


def wrong(**changes: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        validate_credentials("woocommerce", RIGHT | changes)
    return caught.value.fields


def test_a_right_form_is_completed_with_the_defaults() -> None:
    values = validate_credentials("woocommerce", RIGHT)
    assert values["api_version"] == "wc/v3"
    assert values["verify_ssl"] == "true"
    assert values["auth_method"] == "auto"
    assert values["timeout"] == "30"
    assert values["ca_pem"] == ""


def test_every_missing_field_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        validate_credentials("woocommerce", {})
    assert set(caught.value.fields) == {"site_url", "consumer_key", "consumer_secret"}
    assert caught.value.fields["consumer_key"] == "Consumer Key is required."


def test_an_over_long_value_is_told_with_the_limit() -> None:
    assert "200 characters" in wrong(consumer_key="ck_" + "x" * 300)["consumer_key"]


@pytest.mark.parametrize(
    "address",
    [
        "ftp://shop.example.com",
        "javascript:alert(1)",
        "https://",
        "https://user:pass@shop.example.com",
        "https://shop.example.com:99999",
        "https://shop example.com",
        "<script>alert(1)</script>",
        "http://[::1",
        "https://..",
    ],
)
def test_a_site_url_of_the_wrong_shape_is_refused(address: str) -> None:
    assert set(wrong(site_url=address)) == {"site_url"}


def test_an_address_without_a_scheme_gets_https() -> None:
    assert validate_credentials("woocommerce", RIGHT | {"site_url": " mystore.com/shop "})["site_url"] == (
        "https://mystore.com/shop"
    )


def test_choices_numbers_and_boxes_take_only_their_values() -> None:
    found = wrong(auth_method="magic", timeout="-1", verify_ssl="perhaps")
    assert set(found) == {"auth_method", "timeout", "verify_ssl"}
    assert "oauth1" in found["auth_method"]
    assert set(wrong(timeout="100000")) == {"timeout"}
    assert validate_credentials("woocommerce", RIGHT | {"verify_ssl": "on"})["verify_ssl"] == "true"


def test_script_in_a_text_field_is_only_text() -> None:
    script = "<script>alert(1)</script>"
    assert validate_credentials("woocommerce", RIGHT | {"consumer_secret": script})["consumer_secret"] == script


def test_a_line_break_in_a_key_is_refused_and_a_nul_is_dropped() -> None:
    assert "one line" in wrong(consumer_key="ck_1\nX-Evil: 1")["consumer_key"]
    assert validate_credentials("woocommerce", RIGHT | {"consumer_key": "ck_1\x002"})["consumer_key"] == "ck_12"


@pytest.mark.parametrize("value", ["", "ck_****", "****", "  "])
def test_a_masked_or_empty_secret_means_unchanged(value: str) -> None:
    values = validate_credentials("woocommerce", RIGHT | {"consumer_key": value}, existing=RIGHT)
    assert values["consumer_key"] == "ck_123"


@pytest.mark.parametrize(
    "address", ["https://evil.example.com", "http://shop.example.com", "https://shop.example.com:8443"]
)
@pytest.mark.parametrize("value", ["", "cs_****", None, "\x00", " \x00 ", "cs_\x00****"])
def test_a_saved_secret_is_not_sent_to_another_address(address: str, value: str | None) -> None:
    given = {"site_url": address, "consumer_key": "ck_123"} | ({} if value is None else {"consumer_secret": value})
    with pytest.raises(Invalid) as caught:
        validate_credentials("woocommerce", given, existing=RIGHT)
    assert list(caught.value.fields) == ["consumer_secret"]
    assert "again" in caught.value.fields["consumer_secret"]
    again = validate_credentials("woocommerce", given | {"consumer_secret": "cs_9"}, existing=RIGHT)
    assert (again["site_url"], again["consumer_secret"]) == (address, "cs_9")


def test_another_folder_of_the_same_host_keeps_the_saved_secrets() -> None:
    moved = {"site_url": "https://shop.example.com/shop"}
    assert validate_credentials("woocommerce", moved, existing=RIGHT)["consumer_secret"] == "cs_456"


def test_another_shop_takes_none_of_the_saved_secrets_along() -> None:
    saved = {
        "shop_domain": "one.myshopify.com",
        "access_token": "shpat_1",
        "client_id": "a",
        "client_secret": "shpss_1",
    }
    with pytest.raises(Invalid) as caught:
        validate_credentials("shopify", {"shop_domain": "two.myshopify.com"}, existing=saved)
    assert {"access_token", "client_secret"} <= caught.value.fields.keys()
    given = {"shop_domain": "two.myshopify.com", "access_token": "shpat_2"}
    values = validate_credentials("shopify", given, existing=saved)
    assert (values["access_token"], values["client_secret"]) == ("shpat_2", "")


def test_another_shop_is_noticed_where_its_name_only_stands_in_the_path() -> None:
    saved = {"shop_domain": "admin.shopify.com/store/one", "access_token": "shpat_1"}
    with pytest.raises(Invalid) as caught:
        validate_credentials("shopify", {"shop_domain": "admin.shopify.com/store/two"}, existing=saved)
    assert list(caught.value.fields) == ["access_token"]
    same = validate_credentials("shopify", {"shop_domain": "Admin.Shopify.com/store/one"}, existing=saved)
    assert same["access_token"] == "shpat_1"


def test_another_seller_id_keeps_the_saved_secrets_for_they_only_go_to_amazon() -> None:
    saved = {
        "seller_id": "A1", "marketplace_ids": "A1PA6795UKMFR9", "refresh_token": "Atzr|1",
        "lwa_client_id": "amzn1.application-oa2-client.1", "lwa_client_secret": "amzn1.oa2-cs.v1.1",
    }  # fmt: skip
    values = validate_credentials("amazon", {"seller_id": "A2"}, existing=saved)
    assert (values["seller_id"], values["refresh_token"]) == ("A2", "Atzr|1")


def test_a_mask_is_no_key() -> None:
    assert "mask" in wrong(consumer_key="ck_****")["consumer_key"]


def test_a_field_left_out_keeps_its_saved_value() -> None:
    saved = validate_credentials("woocommerce", RIGHT | {"timeout": "50", "verify_ssl": "false"})
    values = validate_credentials("woocommerce", {"consumer_key": "ck_9"}, existing=saved)
    assert values == saved | {"consumer_key": "ck_9"}


def test_an_unticked_box_of_a_form_is_false() -> None:
    assert from_form("woocommerce", {"site_url": "x", "csrf_token": "t"}) == {"site_url": "x", "verify_ssl": "false"}


def test_an_unknown_platform_is_missing() -> None:
    with pytest.raises(Missing):
        validate_credentials("myspace", RIGHT)


def test_two_keys_in_each_others_field_are_told_by_how_they_begin() -> None:
    told = wrong(consumer_key="cs_456", consumer_secret="ck_123")
    assert told["consumer_key"] == "This begins with cs_, so it is the Consumer Secret."
    assert told["consumer_secret"] == "This begins with ck_, so it is the Consumer Key."
