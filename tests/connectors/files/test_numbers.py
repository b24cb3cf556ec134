from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.connectors.files.numbers import amount, decimal_mark, fits, shown

SIZES = st.decimals(min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=2, allow_nan=False)


@given(SIZES, st.sampled_from([(".", ","), (".", "'"), (".", " "), (",", "."), (",", "'"), (",", "\u202f")]))
def test_an_amount_grouped_by_threes_is_read_to_the_cent(value: Decimal, marks: tuple[str, str]) -> None:
    decimal, gap = marks
    text = f"{value:,.2f}".replace(",", "_").replace(".", decimal).replace("_", gap)
    assert amount(text, decimal) == (value, "")


@given(SIZES, st.sampled_from(["€", "EUR", "$", "CHF", "zł"]), st.booleans())
def test_a_currency_before_or_behind_is_told_apart(value: Decimal, sign: str, before: bool) -> None:
    text = f"{sign} {value}" if before else f"{value} {sign}"
    assert amount(text, ".") == (value, sign)


@given(st.text(max_size=40), st.sampled_from([".", ","]))
def test_any_text_is_a_number_or_none_and_never_an_error(text: str, decimal: str) -> None:
    value, _ = amount(text, decimal)
    assert value is None or value.is_finite()


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=6, allow_nan=False))
def test_what_is_stored_is_read_back_the_same(value: Decimal) -> None:
    assert Decimal(shown(value)) == value
    assert amount(shown(value), ".")[0] == value


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("(1,234.50)", ".", "-1234.50"),
        ("12.50-", ".", "-12.50"),
        ("-€5,00", ",", "-5.00"),
        ("€ -5,00", ",", "-5.00"),
        ("+3", ".", "3"),
        (".5", ".", "0.5"),
        ("5.", ".", "5"),
        ("−7", ".", "-7"),
        ("1'000'000", ".", "1000000"),
    ],
)
def test_the_ways_of_writing_that_are_known(text: str, decimal: str, value: str) -> None:
    assert amount(text, decimal)[0] == Decimal(value)


NO_NUMBERS = [
    "",
    "1,23",
    "1,2345.00",
    "1,234,56",
    "1.2.3",
    "1e5",
    "1E5",
    "NaN",
    "Infinity",
    "--1",
    "(-1)",
    "€1€",
    "0x10",
]
NO_NUMBERS += ["٣", "1 2", "9" * 16, "1_000", "12,34.5", "1.234,56"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_with_a_decimal_point_is_none(text: str) -> None:
    assert amount(text, ".")[0] is None


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.234,56"], ","),
        (["1,234.56"], "."),
        (["12,5", "7"], ","),
        (["12.5"], "."),
        (["1,234", "5.5"], "."),
        (["1.234", "5,5"], ","),
        (["1,234,567"], "."),
        (["1.234.567"], ","),
        (["1,234"], "."),
        (["5"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_follows_from_the_cells(cells: list[str], mark: str) -> None:
    assert decimal_mark(cells) == mark


def test_a_dollar_may_be_several_currencies_and_a_euro_only_one() -> None:
    assert fits("$", "USD")
    assert fits("$", "CAD")
    assert not fits("$", "EUR")
    assert fits("EUR", "EUR")
    assert not fits("€", "CHF")
