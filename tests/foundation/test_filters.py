"""Money and percents as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portal.foundation.web.filters import money, percent


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "CHF", "CHF\N{NO-BREAK SPACE}1,234.50"),
        ("-0.5", "SEK", "−SEK\N{NO-BREAK SPACE}0.50"),
        ("1234.5", "EUR", "€1,234.50"),
        ("-3", "CAD", "−CA$3.00"),
        ("19", "JPY", "¥19"),
    ],
)
def test_a_code_stands_apart_from_its_number_and_a_sign_does_not(amount: str, currency: str, text: str):
    assert money(Decimal(amount), currency) == text


def test_short_money_has_the_space_too():
    assert money(Decimal("1535.4"), "KES", short=True) == "KES\N{NO-BREAK SPACE}1,535"


def test_no_change_has_no_sign():
    assert [percent(Decimal(each), signed=True) for each in ("0.0", "1.5", "-2")] == ["0.0%", "+1.5%", "−2.0%"]
