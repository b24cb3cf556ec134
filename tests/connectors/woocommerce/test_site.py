from __future__ import annotations

import pytest

from portal.connectors.woocommerce.auth import oauth1
from portal.connectors.woocommerce.site import normalised, site
from portal.foundation.errors import Permanent

KEYS = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://shop.example.test", "https://shop.example.test"),
        ("  shop.example.test/ ", "https://shop.example.test"),
        ("https://shop.example.test///", "https://shop.example.test"),
        ("HTTPS://Shop.Example.test/store/", "https://shop.example.test/store"),
        ("https://shop.example.test/wp-admin/admin.php?page=wc-settings", "https://shop.example.test"),
        ("https://shop.example.test/store/wp-json/wc/v3/orders", "https://shop.example.test/store"),
        ("http://127.0.0.1:8080/shop", "http://127.0.0.1:8080/shop"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_is_put_in_order(given: str, base: str) -> None:
    assert normalised(given) == base


@pytest.mark.parametrize(
    "given",
    ["", "ftp://x.test", "https://", "https://a b", "https://me:pw@x.test", "https://x:99999/", "javascript:alert(1)"],
)
def test_what_is_no_shop_address_is_refused_with_advice(given: str) -> None:
    with pytest.raises(Permanent) as wrong:
        normalised(given)
    assert "https://mystore.com" in wrong.value.advice


def test_plain_http_signs_and_https_does_not() -> None:
    assert site({**KEYS, "site_url": "http://x.test"}).auth == "oauth1"
    chosen = site({**KEYS, "site_url": "x.test"})
    assert (chosen.auth, chosen.fall_back, chosen.verify_ssl, chosen.timeout) == ("basic", True, True, 30.0)
    assert site({**KEYS, "site_url": "x.test", "auth_method": "query"}).auth == "query"
    assert not site({**KEYS, "site_url": "x.test", "verify_ssl": "false"}).verify_ssl


@pytest.mark.parametrize(
    ("field", "value"),
    [("timeout", "0"), ("timeout", "121"), ("timeout", "nan"), ("timeout", "soon"), ("auth_method", "digest"),
     ("api_version", "../../x"), ("consumer_key", " ")],
)  # fmt: skip
def test_a_field_that_cannot_work_is_refused_with_advice(field: str, value: str) -> None:
    with pytest.raises(Permanent) as wrong:
        site({**KEYS, "site_url": "x.test", field: value})
    assert wrong.value.advice


def test_the_oauth_signature_is_the_one_of_rfc_5849() -> None:
    """Computed by hand from the base string: names and values encoded, sorted, encoded again."""
    signed = oauth1(
        "get", "http://shop.example.test/wp-json/wc/v3/orders", {"search": "Müller & Söhne", "per_page": "1"}, "ck_1", "cs_1",
        timestamp=1700000000, nonce="abc",
    )  # fmt: skip
    import base64
    import hashlib
    import hmac

    base = (
        "GET&http%3A%2F%2Fshop.example.test%2Fwp-json%2Fwc%2Fv3%2Forders&oauth_consumer_key%3Dck_1%26oauth_nonce%3Dabc"
        "%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1700000000%26oauth_version%3D1.0%26per_page%3D1"
        "%26search%3DM%25C3%25BCller%2520%2526%2520S%25C3%25B6hne"
    )
    made = base64.b64encode(hmac.new(b"cs_1&", base.encode(), hashlib.sha256).digest()).decode()
    assert signed["oauth_signature"] == made
    assert "cs_1" not in str(signed)
