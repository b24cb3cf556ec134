"""One cell into its normalised text, by the field's type; or what is wrong with it and what would be right. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies

from portal.connectors.files.bounds import MAX_CELL, MAX_KEY
from portal.connectors.files.dates import EARLIEST, ORDERS, moment
from portal.connectors.files.fields import Field
from portal.connectors.files.layout import Layout
from portal.connectors.files.numbers import amount, shown
from portal.connectors.files.words import FULFILMENTS, PUBLISHED, STATUSES, word

Problem = tuple[str, str]
"""(what is wrong, what would be right)."""
Parser = Callable[[str], "str | Problem"]
_FORMULA = re.compile(r"\s*(?:=|[+\-@][^\d\s]*[(|!])")
_FORCED_TEXT = re.compile(r'="([^"]*)"')
_SPECIAL = frozenset("=+-@'")
"""First characters that may mean more than themselves."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")
_CURRENCIES = frozenset(list_currencies())
_LONGEST_TEXT = 2_000
_MOST_WORDS = 1_000
_IN_EXAMPLE = {".": "1234.56", ",": "1234,56"}


def parser(field: Field, layout: Layout, latest: datetime, currency_met: Callable[[str], Problem | None]) -> Parser:
    """The parser of a field's cells. `latest`: no date may lie beyond. `currency_met` hears of the sign beside an amount."""
    if field.type in ("money", "number", "count"):
        return _numeric(field, layout, currency_met)
    if field.type == "date":
        return _date(layout, latest)
    return {
        "key": _key,
        "currency": _currency,
        "email": _email,
        "status": _among(STATUSES, "completed, processing, pending, on hold, cancelled, failed, refunded, draft"),
        "fulfilment": _among(FULFILMENTS, "fulfilled, partial, unfulfilled, not required"),
        "word": _among(PUBLISHED, "published, draft, private, archived"),
    }.get(field.type, _text)


def cleaned(cell: str) -> str | Problem:
    """A cell's text: trimmed, Excel's `="0012"` unwrapped. A formula is refused: what it would show is not in the file."""
    text = cell.strip()
    if text[:1] not in _SPECIAL and len(text) <= MAX_CELL and "\x00" not in text:
        return text  # nearly every cell
    if forced := _FORCED_TEXT.fullmatch(text):
        return forced[1].strip()
    if _FORMULA.match(text):
        return (
            f"holds a formula: {text[:40]}",
            "Replace formulas by their values (Paste special → Values) and export again.",
        )
    if len(text) > MAX_CELL or "\x00" in text:
        return "is too long or holds binary data", f"At most {MAX_CELL:,} characters of text."
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@|%":
        return text[1:]  # the apostrophe that keeps a spreadsheet from running it, ours as well as theirs
    return text


def _numeric(field: Field, layout: Layout, currency_met: Callable[[str], Problem | None]) -> Parser:
    right = f"A number such as {_IN_EXAMPLE[layout.decimal]}, or choose the other decimal mark."
    whole = field.type == "count"
    money = field.type == "money"

    def parse(text: str) -> str | Problem:
        value, sign = amount(text, layout.decimal)
        if value is None:
            return f"“{text[:40]}” is not a number", right
        if sign and (wrong := currency_met(sign) if money else ("has a unit", "The number alone.")):
            return wrong
        if whole and value != value.to_integral_value() and value.as_tuple().exponent < -3:  # type: ignore[operator]
            return f"“{text[:40]}” has too many decimals", "A count, with at most three decimals."
        if value < 0 and field.name in _NEVER_NEGATIVE:
            return f"“{text[:40]}” is negative", "Zero or more."
        return shown(value)

    return parse


_NEVER_NEGATIVE = frozenset(
    {"refunded", "price", "regular_price", "low_stock_threshold", "shipping_total", "discount_total"}
)


def _date(layout: Layout, latest: datetime) -> Parser:
    zone = ZoneInfo(layout.timezone)
    right = f"A date with the {ORDERS[layout.dates]}; or choose another order."
    known: dict[str, str | Problem] = {}  # dates repeat: parsed once

    def parse(text: str) -> str | Problem:
        if text not in known:
            if len(known) > 20_000:
                known.clear()
            known[text] = read(text)
        return known[text]

    def read(text: str) -> str | Problem:
        value = moment(text, layout.dates, zone)
        if value is None:
            return f"“{text[:40]}” is not a date here", right
        if not EARLIEST <= value <= latest:
            when = "in the future" if value > latest else f"before {EARLIEST.year}"
            return f"“{text[:40]}” lies {when}", f"A date from {EARLIEST.year} until today."
        return value.isoformat()

    return parse


def _key(text: str) -> str | Problem:
    if len(text) > MAX_KEY:
        return f"has {len(text)} characters", f"At most {MAX_KEY}."
    if re.fullmatch(r"\d(?:[.,]\d+)?E\+?\d+", text, re.I):
        return f"“{text}” has lost digits", "Format the column as text in the spreadsheet and export again."
    return text


def _currency(text: str) -> str | Problem:
    code = text.upper()
    return code if code in _CURRENCIES else (f"“{text[:20]}” is not a currency", "An ISO code such as EUR or USD.")


def _email(text: str) -> str | Problem:
    return (
        text.lower()
        if len(text) <= 254 and _EMAIL.fullmatch(text)
        else (f"“{text[:40]}” is not an e-mail address", "name@company.com")
    )


def _among(known: dict[str, str], allowed: str) -> Parser:
    seen: dict[str, str] = {}  # a file has few of them, in every row

    def parse(text: str) -> str | Problem:
        if (again := seen.get(text)) is not None:
            return again
        found = word(text, known)
        if found is None:
            return f"“{text[:40]}” is not a known word", f"One of: {allowed}."
        if len(seen) < _MOST_WORDS:
            seen[text] = found
        return found

    return parse


def _text(text: str) -> str | Problem:
    return text[:_LONGEST_TEXT]


def decimal(text: str | None) -> Decimal | None:
    """A normalised number back."""
    return None if text is None else Decimal(text)
