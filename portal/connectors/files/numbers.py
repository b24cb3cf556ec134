"""Numbers and amounts as people and spreadsheets write them, read exactly or not at all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

_PLAIN = {
    ".": re.compile(r"-?\d{1,15}(?:\.\d{1,10})?"),
    ",": re.compile(r"-?\d{1,15}(?:,\d{1,10})?"),
}


def _grouped(mark: str, gaps: str) -> re.Pattern[str]:
    """1.234.567,89 with one sign throughout; 1234567,89; ,89"""
    end = re.escape(mark)
    by_threes = rf"\d{{1,3}}(?:(?P<gap>[{gaps}])\d{{3}}(?:(?P=gap)\d{{3}})*)(?:{end}\d{{1,10}})?"
    return re.compile(rf"{by_threes}|\d{{1,15}}(?:{end}\d{{0,10}})?|{end}\d{{1,10}}")


_GROUPED = {".": _grouped(".", ",'’ \u00a0\u202f"), ",": _grouped(",", ".'’ \u00a0\u202f")}
SYMBOLS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "zł": ("PLN",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "US$": ("USD",),
    "Fr.": ("CHF",),
}
_CURRENCY = "|".join(re.escape(sign) for sign in sorted(SYMBOLS, key=len, reverse=True)) + "|[A-Z]{3}"
_DRESSED = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−])?\s*(?P<before>{_CURRENCY})?\s*(?P<sign2>[-+−])?\s*(?P<digits>[\d.,'’ \u00a0\u202f]*\d[.,]?)"
    rf"\s*(?P<after>{_CURRENCY})?\s*(?P<behind>-)?\s*(?P<close>\))?"
)


def amount(text: str, decimal: str) -> tuple[Decimal | None, str]:
    """(the number, the currency sign or code it is written with). None when it is none with this decimal mark.

    At most 15 digits before the mark and 10 after it; thousands are grouped by threes with one sign throughout. A minus stands
    before, behind, or as brackets (accounting). No exponents: a spreadsheet that shows them has lost digits already.
    """
    if _PLAIN[decimal].fullmatch(text) and text.isascii():
        return Decimal(text.replace(",", ".")), ""
    dressed = _DRESSED.fullmatch(text.strip())
    if dressed is None or (dressed["open"] is None) != (dressed["close"] is None):
        return None, ""
    digits = dressed["digits"].strip()
    if not digits.isascii() and any(each.isdigit() and not each.isascii() for each in digits):
        return None, ""
    grouped = _GROUPED[decimal].fullmatch(digits)
    if grouped is None or len(re.sub(r"\D", "", digits.partition(decimal)[0])) > 15:
        return None, ""
    whole, _, fraction = digits.partition(decimal)
    value = Decimal(re.sub(r"\D", "", whole) + ("." + fraction if fraction else "") or "0")
    signs = [each for each in (dressed["sign"], dressed["sign2"], dressed["behind"], dressed["open"]) if each]
    if len(signs) > 1 or (dressed["before"] and dressed["after"]):
        return None, ""
    negative = bool(signs) and signs[0] != "+"
    return -value if negative else value, dressed["before"] or dressed["after"] or ""


def decimal_mark(samples: Iterable[str]) -> str:
    """The decimal mark that these cells are written with: where both marks stand the last one, where one stands once with other
    than three digits behind it that one; a point when nothing tells."""
    votes = {".": 0, ",": 0}
    for text in samples:
        digits = re.sub(r"[^\d.,]", "", text)
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0:
            continue
        mark, other = digits[last], "," if digits[last] == "." else "."
        behind = len(digits) - last - 1
        if other in digits:
            votes[mark] += 3
        elif digits.count(mark) > 1:
            votes[other] += 2
        elif behind != 3:
            votes[mark] += 2
    return "," if votes[","] > votes["."] else "."


def fits(sign: str, currency: str) -> bool:
    """Whether an amount written with `sign` can be in `currency`."""
    return not sign or currency in SYMBOLS.get(sign, (sign,))


def shown(value: Decimal) -> str:
    """Without an exponent, as stored."""
    return format(value, "f")
