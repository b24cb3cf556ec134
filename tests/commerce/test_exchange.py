"""From quotes to the one rate the ledger converts by."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from portal.commerce.exchange import SIGNIFICANT, Quote, Worth, worth

DAY = date(2026, 3, 10)
_EARLY, _LATE = datetime(2026, 3, 10, 8, tzinfo=UTC), datetime(2026, 3, 10, 9, tzinfo=UTC)


def ecb(currency: str, rate: str, source: str = "fetched") -> Quote:
    return Quote(DAY, "EUR", currency, Decimal(rate), True, source, None)


def by_hand(currency: str, rate: str, base: str = "EUR", at: datetime = _EARLY) -> Quote:
    return Quote(DAY, base, currency, Decimal(rate), False, "hand", at)


def test_a_rate_given_directly_is_kept_as_it_was_given():
    assert worth([by_hand("SEK", "0.08730")], "SEK", "EUR") == Worth(Decimal("0.08730"), "hand", None)
    assert worth([ecb("SEK", "11.4505")], "EUR", "SEK") == Worth(Decimal("11.4505"), "fetched", None)


def test_a_quote_of_the_base_is_turned_round_to_fifteen_digits():
    found = worth([ecb("SEK", "11.4505")], "SEK", "EUR")
    assert found == Worth(Decimal("0.0873324308982141"), "fetched", None)


def test_two_quotes_of_one_base_make_a_cross_rate():
    found = worth([ecb("SEK", "11.4505"), ecb("USD", "1.1234")], "SEK", "USD")
    assert found == Worth(Decimal("0.0981092528710537"), "fetched", "EUR")


def test_hand_wins_over_fetched_direct_over_cross_and_the_later_over_the_earlier():
    fetched, hand = ecb("SEK", "11"), by_hand("SEK", "0.09")
    assert worth([fetched, hand], "SEK", "EUR") == Worth(Decimal("0.09"), "hand", None)
    crossed = [by_hand("SEK", "0.09", at=_LATE), by_hand("USD", "0.9", at=_LATE), by_hand("SEK", "0.11", "USD")]
    assert worth(crossed, "SEK", "USD") == Worth(Decimal("0.11"), "hand", None)
    both_ways = [by_hand("SEK", "0.09"), by_hand("EUR", "11.5", "SEK", at=_LATE)]
    assert worth(both_ways, "SEK", "EUR") == Worth(Decimal("0.0869565217391304"), "hand", None)


def test_quotes_of_two_bases_or_two_kinds_of_source_are_not_chained():
    assert worth([by_hand("SEK", "0.09"), ecb("USD", "1.1")], "SEK", "USD") is None
    assert worth([by_hand("SEK", "0.09"), by_hand("USD", "0.8", "GBP")], "SEK", "USD") is None
    assert worth([], "SEK", "USD") is None


_rates = st.decimals("0.0001", "100000", places=6)


@given(one=_rates, other=_rates, one_of_base=st.booleans(), other_of_base=st.booleans())
def test_a_cross_rate_is_the_exact_quotient_rounded_once(
    one: Decimal, other: Decimal, one_of_base: bool, other_of_base: bool
):
    quotes = [
        Quote(DAY, "EUR", "SEK", one, one_of_base, "file", None),
        Quote(DAY, "EUR", "USD", other, other_of_base, "file", None),
    ]
    found = worth(quotes, "SEK", "USD")
    assert found is not None
    exact = (1 / Fraction(one) if one_of_base else Fraction(one)) / (
        1 / Fraction(other) if other_of_base else Fraction(other)
    )
    assert abs(Fraction(found.rate) - exact) <= exact * Fraction(1, 2 * 10 ** (SIGNIFICANT - 1))
