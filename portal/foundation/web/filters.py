"""Jinja filters: money, numbers, percents and times as people read them. Unknown (None) is an en dash, never a zero."""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, get_currency_name

_UNKNOWN = "–"
LOCALE = "en_US"
# Babel leaves out the space that CLDR wants between a code and its number: CHF 12.00, but €12.00 and CA$12.00.
_CODE = re.compile(r"(?<=[^\W\d_])(?=\d)")


@lru_cache(maxsize=4096)
def money(value: Decimal | None, currency: str = "USD", short: bool = False) -> str:
    """`value` in `currency` with the currency's own digits; `short` leaves out the cents."""
    if value is None:
        return _UNKNOWN
    text: str = (
        format_currency(value, currency, format="¤#,##0", locale=LOCALE, currency_digits=False)
        if short
        else format_currency(value, currency, locale=LOCALE)
    )
    text = _CODE.sub("\N{NO-BREAK SPACE}", text, count=1)
    return text.replace("-", "−", 1) if text.startswith("-") else text


def number(value: Any) -> str:
    """Thousands separated; whole numbers without decimals."""
    if value is None:
        return _UNKNOWN
    text: str = format_decimal(value, locale=LOCALE)
    return text.replace("-", "−", 1)


def rate_number(value: Decimal | None, digits: int = 0) -> str:
    """An exchange rate as it was given: every digit (or the first `digits`), no exponent, no empty zeros behind."""
    if value is None:
        return _UNKNOWN
    if digits:
        value = Context(prec=digits).plus(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def currency_name(code: str) -> str:
    """`Swedish Krona`; the code itself when it has no name."""
    return str(get_currency_name(code, locale=LOCALE))


def percent(value: Any, signed: bool = False) -> str:
    """A percentage with one decimal; `signed` for changes (none has no sign)."""
    if value is None:
        return _UNKNOWN
    return (f"{value:+,.1f}%" if signed and value else f"{value:,.1f}%").replace("-", "−")


def local_time(value: datetime | None, timezone: str = "UTC", seconds: bool = False) -> str:
    """`22 Nov 2026, 14:05` in the organization's time zone."""
    if value is None:
        return _UNKNOWN
    return value.astimezone(zone(timezone)).strftime("%-d %b %Y, %H:%M:%S" if seconds else "%-d %b %Y, %H:%M")


def clock_time(value: datetime | None, timezone: str = "UTC") -> str:
    """`14:05` in the organization's time zone."""
    return _UNKNOWN if value is None else value.astimezone(zone(timezone)).strftime("%H:%M")


def day(value: date | None, timezone: str = "UTC") -> str:
    """`Sunday 22 November`; of a moment, the day it is in the time zone."""
    if value is None:
        return _UNKNOWN
    if isinstance(value, datetime):
        value = value.astimezone(zone(timezone))
    return str(format_date(value, "EEEE d MMMM", locale=LOCALE))


@lru_cache(maxsize=512)
def zone(name: str) -> tzinfo:
    """The IANA zone, UTC when the name is not one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


FILTERS = {
    "money": money,
    "number": number,
    "rate_number": rate_number,
    "currency_name": currency_name,
    "percent": percent,
    "local_time": local_time,
    "clock_time": clock_time,
    "day": day,
}
