"""Reading what GraphQL answers with: typed by contract, checked all the same, for one bad row must not stop the others.

Every reader gives a clean value or raises `BadValue` with a reason a merchant can read; none raises anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from babel.numbers import list_currencies

Row = dict[str, object]
ITEM = "inventory_item:"
"""Before the number of an inventory item among the ids of products: deliveries about stock name nothing else."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)
_LARGEST = Decimal(10) ** 15
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_GID = re.compile(r"gid://shopify/([A-Za-z]+)/(\d{1,20})(?:\?.*)?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_MONEY = {"XXX", "XTS"}  # ISO 4217 "no currency" and "testing"


class BadValue(Exception):
    """A value that cannot be trusted; the text says which and why."""


def row_of(value: object, what: str) -> Row:
    """An object. Raises `BadValue` for anything else."""
    if not isinstance(value, dict):
        raise BadValue(f"{what} is not an object")
    return value


def inside(value: object, *path: str) -> object:
    """The value at the end of a path of fields; None where the path ends early."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(value: object) -> Iterator[Row]:
    """The objects of a list or of a connection's `nodes`."""
    listed = value.get("nodes") if isinstance(value, dict) else value
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            yield each


def text(value: object, limit: int = 500) -> str:
    """Plain text of at most `limit` characters, verbatim but for NUL bytes and lone surrogates, which no database takes."""
    if not isinstance(value, str):
        return ""
    return _SURROGATE.sub("\ufffd", value.replace("\x00", ""))[:limit].strip()


def number_of(gid: object) -> str | None:
    """The number in `gid://shopify/Order/123`, the id of the admin's addresses and of webhooks; None when it is none."""
    found = _GID.fullmatch(gid) if isinstance(gid, str) else None
    return str(int(found.group(2))) if found else None


def required_id(gid: object, what: str = "id") -> str:
    """Like `number_of`; its absence is a `BadValue`."""
    found = number_of(gid)
    if found is None:
        raise BadValue(f"{what} is missing" if gid is None else f"{what} is not a Shopify id")
    return found


def gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def amount(value: object, what: str) -> Decimal:
    """An exact decimal, from the text it is sent as. Raises `BadValue` when it is missing or no believable number."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise BadValue(f"{what} is missing" if value is None else f"{what} is not a number")
    raw = str(value)[:60].strip()
    if not _NUMBER.fullmatch(raw):
        raise BadValue(f"{what} is not a number: {text(raw, 30)!r}" if raw else f"{what} is empty")
    number = Decimal(raw)
    if abs(number) >= _LARGEST:
        raise BadValue(f"{what} is out of range: {raw}")
    return number


def shop_money(bag: object, what: str) -> Decimal:
    """The amount of a MoneyBag in the shop's currency: the one that sums are made of."""
    return amount(inside(bag, "shopMoney", "amount"), what)


def shop_money_or_zero(bag: object, what: str) -> Decimal:
    """Like `shop_money`, zero where there is no bag (no tip, no duties)."""
    return Decimal(0) if bag is None else shop_money(bag, what)


def count(value: object, what: str) -> int | None:
    """A whole number (UnsignedInt64 comes as text), None for null."""
    return None if value is None else int(amount(value, what))


def currency(value: object) -> str:
    """An ISO 4217 code in upper case. Raises `BadValue` for a code CLDR does not know."""
    code = text(value, 20).upper()
    if code not in _currencies():
        raise BadValue(f"currency {code!r} is not an ISO 4217 code" if code else "currency is missing")
    return code


def instant(value: object, what: str, now: datetime) -> datetime:
    """A DateTime as aware UTC. Raises `BadValue` when missing, unreadable, before 2000 or over two days ahead of `now`."""
    if not isinstance(value, str) or not value.strip():
        raise BadValue(f"{what} is missing")
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{what} is not a date: {text(value, 30)!r}") from None
    if not EARLIEST <= found <= now + AHEAD:
        raise BadValue(f"{what} is {found:%Y-%m-%d}, which is not a believable date")
    return found


def instant_or_none(value: object, what: str, now: datetime) -> datetime | None:
    """Like `instant`, None where there is none. An unbelievable one is still a `BadValue`: figures are made of it."""
    return None if value is None else instant(value, what, now)


def web_address(value: object) -> str:
    """An http(s) address, else ""."""
    found = text(value, 2000)
    return found if found.lower().startswith(("https://", "http://")) else ""


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - _NOT_MONEY
