"""Reading the loose scalars that platforms send: numbers as text, "" for null, 0 for "none", floats for money.

Every reader gives a clean value or raises `BadValue` with a reason a merchant can read; none raises anything else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache

from babel.numbers import list_currencies

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)
_LARGEST = Decimal(10) ** 12
_ZERO = Decimal(0)
_SHORT = 32
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_USUAL = re.compile(r"-?\d{1,9}(?:\.\d{1,20})?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_MONEY = {"XXX", "XTS"}  # ISO 4217 "no currency" and "testing"


class BadValue(Exception):
    """A value that cannot be trusted; the text says which and why."""


def number(raw: str) -> Decimal | str:
    """A JSON number with a fraction as it was sent; its text when no decimal holds its exponent, which `amount` refuses."""
    try:
        return Decimal(raw)
    except ArithmeticError:
        return raw


def whole(raw: str) -> int | str:
    """A JSON number without a fraction; its text when it is longer than any id or count."""
    return int(raw) if len(raw) <= _SHORT else raw


def text(value: object, limit: int = 500) -> str:
    """Plain text of at most `limit` characters, verbatim but for NUL bytes and lone surrogates, which no database takes."""
    if type(value) is str and value.isprintable():  # nearly all of them
        return value[:limit].strip()
    if value is None or isinstance(value, bool | dict | list):
        return ""
    try:
        raw = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer of more than 4,300 digits
        return ""
    return _SURROGATE.sub("\ufffd", raw.replace("\x00", ""))[:limit].strip()


def identifier(value: object, what: str = "id") -> str | None:
    """A platform id as text; None for 0, "" and null. Raises `BadValue` for anything that is not a whole number."""
    if type(value) is int and 0 < value < 2**63:
        return str(value)
    if value in (None, "", 0, "0", False):
        return None
    plain = amount(value, what)
    if plain != plain.to_integral_value() or plain < 0 or plain >= 2**63:
        raise BadValue(f"{what} is not a whole number")
    return str(int(plain)) if plain else None


def required_id(value: object, what: str = "id") -> str:
    """Like `identifier`, but its absence is a `BadValue`."""
    found = identifier(value, what)
    if found is None:
        raise BadValue(f"{what} is missing")
    return found


def amount(value: object, what: str) -> Decimal:
    """An exact decimal. Raises `BadValue` when it is missing, not a finite number, or longer than any real amount."""
    known = _plain(value) if type(value) is str and len(value) < _SHORT else usual(value)
    if known is not None:
        return known
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise BadValue(f"{what} is missing" if value is None else f"{what} is not a number")
    try:
        raw = str(value).strip()
    except ValueError:  # an integer of more than 4,300 digits
        raise BadValue(f"{what} has too many digits") from None
    if len(raw) > 40:
        raise BadValue(f"{what} has too many digits")
    if not _NUMBER.fullmatch(raw):
        raise BadValue(f"{what} is not a number: {text(raw, 30)!r}" if raw else f"{what} is empty")
    number = Decimal(raw)
    if number and (abs(number) >= _LARGEST or number.adjusted() < -20):
        raise BadValue(f"{what} is out of range: {text(raw, 40)}")
    return number


def usual(value: object) -> Decimal | None:
    """The usual spellings of an amount, looked up rather than looked at; None for everything else."""
    if type(value) is not str:
        if not (type(value) is Decimal or (type(value) is int and -_LARGEST < value < _LARGEST)):
            return None
        value = str(value)
    return _plain(value) if len(value) < _SHORT else None  # nothing long is kept: it comes from outside


@lru_cache(maxsize=50_000)
def _plain(raw: str) -> Decimal | None:
    """The usual spelling of an amount, "12.30" or "-4"; None for anything that has to be looked at closely.

    An order has two dozen amounts and a shop writes the same ones again and again.
    """
    return Decimal(raw) if _USUAL.fullmatch(raw) else None


def amount_or(value: object, what: str, default: Decimal | None = None) -> Decimal | None:
    """Like `amount`, with `default` for null and ""."""
    return default if value is None or (type(value) is str and not value) else amount(value, what)


def zero_or(value: object, what: str) -> Decimal:
    """Like `amount`, with zero for null and ""."""
    return _ZERO if value is None or (type(value) is str and not value) else amount(value, what)


def count(value: object, what: str) -> int | None:
    """A whole number, None for null and ""."""
    found = amount_or(value, what)
    return None if found is None else int(found)


def flag(value: object) -> bool:
    """PHP's idea of yes: true, 1, "1", "yes", "true", "on"."""
    return value == 1 or (isinstance(value, str) and value.lower() in {"1", "yes", "true", "on"})


def currency(value: object) -> str:
    """An ISO 4217 code in upper case. Raises `BadValue` for a code CLDR does not know."""
    known = _currencies()
    if type(value) is str and value in known:
        return value
    code = text(value, 20).upper()
    if code not in known:
        raise BadValue(f"currency {code!r} is not an ISO 4217 code" if code else "currency is missing")
    return code


def instant(value: object, what: str, now: datetime) -> datetime:
    """A `…_gmt` value as aware UTC. Raises `BadValue` when missing, unreadable, before 2000 or over two days ahead of `now`."""
    if not isinstance(value, str) or not (raw := value.strip()):
        raise BadValue(f"{what} is missing")
    try:
        found = datetime.fromisoformat(raw)
        if found.tzinfo is None:  # the same as `replace`, which takes ten times as long
            found = datetime.combine(found, found.time(), UTC)
        elif found.tzinfo is not UTC:
            found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{what} is not a date: {text(value, 30)!r}") from None
    # What lies before now is not ahead of it: so no date is computed for nearly all of them.
    if found < EARLIEST or (found > now and found > now + AHEAD):
        raise BadValue(f"{what} is {found:%Y-%m-%d}, which is not a believable date")
    return found


def instant_or_none(value: object, what: str, now: datetime) -> datetime | None:
    """Like `instant`, but None for a missing or unbelievable one: for dates that no figure is made of."""
    try:
        return instant(value, what, now)
    except BadValue:
        return None


def web_address(value: object) -> str:
    """An http(s) address, else ""."""
    found = text(value, 2000)
    return found if found.lower().startswith(("https://", "http://")) else ""


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - _NOT_MONEY
