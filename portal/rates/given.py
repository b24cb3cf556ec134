"""A rate as somebody wrote it, judged: which day, which currencies, how much. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import msgspec
from babel.numbers import list_currencies

EARLIEST = date(1990, 1, 1)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class Given(msgspec.Struct, frozen=True, array_like=True):
    """`of_base`: 1 `base` = `rate` `currency`; else 1 `currency` = `rate` `base`."""

    day: date
    base: str
    currency: str
    rate: Decimal
    of_base: bool


class Wrong(ValueError):
    """`args`: what is wrong, what would be right."""


def day_of(text: str, today: date) -> date:
    """An ISO date that is not in the future. Raises `Wrong`."""
    text = text.strip()
    if not text:
        raise Wrong("The day is missing", "Write year, month and day: 2026-11-20.")
    found = _ISO.fullmatch(text)
    try:
        day = date(*map(int, found.groups())) if found else datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007
    except ValueError:
        raise Wrong(f"“{text[:40]}” is not a date here", "Write year, month and day: 2026-11-20.") from None
    if day < EARLIEST:
        raise Wrong(f"{day} is before {EARLIEST.year}", "Check the year.")
    if day > today + timedelta(days=1):
        raise Wrong(f"{day} is in the future", "A rate is known on its day, not before.")
    return day


def currency_of(text: str) -> str:
    """A known ISO 4217 code. Raises `Wrong`."""
    code = text.strip().upper()
    if code not in known_currencies():
        raise Wrong(f"“{text.strip()[:20]}” is not a currency", "Use its ISO 4217 code, such as SEK.")
    return code


def rate_of(text: str) -> Decimal:
    """A positive number with a decimal point. Raises `Wrong`."""
    text = text.strip()
    if not text:
        raise Wrong("The rate is missing", "Write a positive number of at most 12 decimals: 0.0873.")
    if "," in text:
        raise Wrong(f"“{text[:30]}” is written with a comma", "Use a decimal point and no thousands separator: 0.0873.")
    if not _NUMBER.fullmatch(text):
        raise Wrong(f"“{text[:30]}” is not a rate", "Write a positive number of at most 12 decimals: 0.0873.")
    rate = Decimal(text)
    if not rate:
        raise Wrong("The rate is zero", "Leave the row out when the rate is not known.")
    return rate


@cache
def known_currencies() -> frozenset[str]:
    """Every ISO 4217 code that has ever been one."""
    return frozenset(list_currencies())
