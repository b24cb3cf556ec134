"""Reading loose scalars: the usual ones by a short way, which must say what the long one says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal.connectors.values import BadValue, amount, amount_or, currency, instant, usual, zero_or

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-09T10:00:01", datetime(2026, 3, 9, 10, 0, 1, tzinfo=UTC)),
        ("2026-03-09T10:00:01Z", datetime(2026, 3, 9, 10, 0, 1, tzinfo=UTC)),
        ("2026-03-09T10:00:01.250", datetime(2026, 3, 9, 10, 0, 1, 250_000, tzinfo=UTC)),
        ("2026-03-09T10:00:01+02:00", datetime(2026, 3, 9, 8, 0, 1, tzinfo=UTC)),
        (" 2026-03-09 ", datetime(2026, 3, 9, tzinfo=UTC)),
        ("2026-03-12T12:00:00", datetime(2026, 3, 12, 12, tzinfo=UTC)),  # two days ahead, and not a second more
    ],
)
def test_a_date_is_utc_whatever_it_was_written_in(written: str, meant: datetime) -> None:
    found = instant(written, "date", NOW)
    assert (found, found.tzinfo) == (meant, UTC)


@pytest.mark.parametrize(
    "written", ["", " ", None, 7, "soon", "1999-12-31T23:59:59", "2026-03-12T12:00:01", "2026-13-01"]
)
def test_a_date_that_nobody_can_believe_is_refused(written: object) -> None:
    with pytest.raises(BadValue):
        instant(written, "date", NOW)


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_amount_is_what_the_reader_says_it_is(absent: object) -> None:
    assert zero_or(absent, "total") == 0
    assert amount_or(absent, "price") is None
    assert amount_or(absent, "price", Decimal(5)) == 5
    with pytest.raises(BadValue):
        amount(absent, "total")


@pytest.mark.parametrize("written", ["12.30", "-4", 7, Decimal("28.485")])
def test_a_usual_amount_is_exact_to_its_last_digit(written: object) -> None:
    assert str(usual(written)) == str(amount(written, "total")) == str(written)


@pytest.mark.parametrize("written", [True, "1e3", "1" * 10, ".5", "12,30", "", None, 1.5])
def test_what_is_not_usual_has_to_be_looked_at_closely(written: object) -> None:
    assert usual(written) is None


def test_a_currency_is_known_in_any_spelling_and_others_are_refused() -> None:
    assert [currency("EUR"), currency(" eur ")] == ["EUR", "EUR"]
    for wrong in ("EURO", "XXX", "", None, ["EUR"]):
        with pytest.raises(BadValue):
            currency(wrong)
