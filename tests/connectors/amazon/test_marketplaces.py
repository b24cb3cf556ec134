from __future__ import annotations

import pytest

from portal.connectors.amazon.account import account
from portal.connectors.amazon.marketplaces import MARKETPLACES, chosen, of_channel
from portal.foundation.errors import Permanent
from tests.connectors.amazon.samples import CA, DE, FORM, GB, US


def test_the_ids_of_the_guide_are_known_with_their_regions() -> None:
    assert [(MARKETPLACES[each].country, MARKETPLACES[each].region) for each in (US, CA, GB)] == [
        ("US", "na"),
        ("CA", "na"),
        ("GB", "eu"),
    ]


def test_the_endpoint_follows_from_the_marketplaces_and_the_uk_is_european() -> None:
    for marketplaces, region in ((f"{US},{CA}", "na"), (GB, "eu"), (f"{DE}, {GB}", "eu"), ("A39IBJ37TRP1C6", "fe")):
        made = account(FORM | {"marketplace_ids": marketplaces}, {})
        assert made.api == f"https://sellingpartnerapi-{region}.amazon.com"


def test_marketplaces_of_two_regions_are_refused_with_the_explanation() -> None:
    with pytest.raises(Permanent) as wrong:
        chosen([US, GB])
    assert "North America: US" in wrong.value.message
    assert "Europe: GB" in wrong.value.message
    assert "one connection per region" in wrong.value.advice


@pytest.mark.parametrize("given", ["", " , ", "ATVPDKIKX0DER,nonsense", "amazon.de"])
def test_no_marketplace_and_an_unknown_one_are_refused_with_examples(given: str) -> None:
    with pytest.raises(Permanent) as wrong:
        account(FORM | {"marketplace_ids": given}, {})
    assert "ATVPDKIKX0DER" in wrong.value.advice


def test_a_marketplace_named_twice_counts_once_and_separators_are_forgiven() -> None:
    assert [each.id for each in account(FORM | {"marketplace_ids": f"{GB}; {DE} {GB}"}, {}).marketplaces] == [GB, DE]


def test_without_an_application_the_advice_names_both_ways_to_get_one() -> None:
    with pytest.raises(Permanent) as wrong:
        account({name: value for name, value in FORM.items() if name != "lwa_client_secret"}, {})
    assert "Develop Apps" in wrong.value.advice
    assert "PORTAL_AMAZON_LWA_CLIENT_ID" in wrong.value.advice


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(Permanent, match="not a date"):
        account(FORM | {"lwa_secret_created": "last May"}, {})


def test_an_account_does_not_show_its_secrets() -> None:
    made = account(FORM, {})
    assert all(secret not in f"{made!r} {made}" for secret in (made.refresh_token, made.client_secret))


def test_the_operators_addresses_replace_amazons() -> None:
    made = account(FORM, {"amazon": "http://127.0.0.1:1/a", "amazon-lwa": "http://127.0.0.1:1/l"})
    assert (made.api, made.lwa) == ("http://127.0.0.1:1/a", "http://127.0.0.1:1/l")


def test_reports_name_marketplaces_by_their_address() -> None:
    found = of_channel("amazon.CO.UK")
    assert found is not None
    assert found.id == GB
    assert of_channel("Non-Amazon") is None
