"""Reading what GraphQL answers with: typed by contract, checked all the same, for one bad row must not stop the others.

Every reader gives a clean value or raises `BadValue` with a reason a merchant can read; none raises anything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from portal.connectors import values as loose
from portal.connectors.values import BadValue, instant, web_address

__all__ = [
    "ITEM",
    "BadValue",
    "Row",
    "amount",
    "count",
    "currency",
    "gid",
    "inside",
    "instant",
    "instant_or_none",
    "number_of",
    "required_id",
    "row_of",
    "rows",
    "shop_money",
    "shop_money_or_zero",
    "text",
    "web_address",
]


Row = dict[str, object]
ITEM = "inventory_item:"
"""Before the number of an inventory item among the ids of products: deliveries about stock name nothing else."""
_LARGEST = Decimal(10) ** 15
_ZERO = Decimal(0)
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_GID = re.compile(r"gid://shopify/([A-Za-z]+)/(\d{1,20})(?:\?.*)?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def rows(value: object) -> Sequence[Row]:
    """The objects of a list or of a connection's `nodes`."""
    listed = value.get("nodes") if isinstance(value, dict) else value
    return [each for each in listed if isinstance(each, dict)] if listed and isinstance(listed, list) else ()


def text(value: object, limit: int = 500) -> str:
    """Plain text of at most `limit` characters, verbatim but for NUL bytes and lone surrogates, which no database takes."""
    if not isinstance(value, str):
        return ""
    if value.isprintable():  # nearly all of them
        return value[:limit].strip()
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
    if (known := loose.usual(value)) is not None:
        return known
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
    money = bag.get("shopMoney") if isinstance(bag, dict) else None
    return amount(money.get("amount") if isinstance(money, dict) else None, what)


def shop_money_or_zero(bag: object, what: str) -> Decimal:
    """Like `shop_money`, zero where there is no bag (no tip, no duties)."""
    return _ZERO if bag is None else shop_money(bag, what)


def count(value: object, what: str) -> int | None:
    """A whole number (UnsignedInt64 comes as text), None for null."""
    return None if value is None else int(amount(value, what))


def currency(value: object) -> str:
    """An ISO 4217 code in upper case; only text is one. Raises `BadValue` for a code CLDR does not know."""
    return loose.currency(value if isinstance(value, str) else "")


def instant_or_none(value: object, what: str, now: datetime) -> datetime | None:
    """Like `instant`, None where there is none. An unbelievable one is still a `BadValue`: figures are made of it."""
    return None if value is None else instant(value, what, now)
