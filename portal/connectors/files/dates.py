"""Dates as people and spreadsheets write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

ORDERS = {
    "ymd": "year first: 2026-11-22",
    "dmy": "day first: 22.11.2026, 22/11/2026",
    "mdy": "month first: 11/22/2026",
    "unix": "seconds since 1970",
}
"""`Layout.dates` -> words."""
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Nobody sold by a web shop before; a spreadsheet's empty dates begin in 1899 and 1970."""
_DATE = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})"
    r"(?:(?:T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_PLACES = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}


def moment(text: str, order: str, zone: tzinfo) -> datetime | None:
    """The aware UTC moment; `zone` is meant where the text names none. None when it is no date in this order."""
    text = text.strip()
    if order == "unix":
        if not re.fullmatch(r"\d{9,10}(?:\d{3})?", text, re.ASCII):
            return None
        return datetime.fromtimestamp(int(text[:10] if len(text) in (10, 13) else text[:9]), UTC)
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    parts = (found[1], found[3], found[4])
    year, month, day = (parts[place] for place in _PLACES[order])
    if len(year) not in (2, 4) or len(day) > 2 or (order == "ymd") != (len(found[1]) == 4):
        return None
    hour = int(found[5] or 0)
    if half := found[9]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    try:
        naive = datetime(  # noqa: DTZ001 - the zone follows
            int(year) + (2000 if len(year) == 2 else 0), int(month), int(day), hour, int(found[6] or 0),
            int(found[7] or 0), int((found[8] or "0")[:6].ljust(6, "0")),
        )  # fmt: skip
        return naive.replace(tzinfo=_zone(found[10], zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def order_of(samples: Iterable[str], zone: str = "UTC") -> tuple[str, bool]:
    """(the order that all of these are dates in, whether another one would fit as well).

    Both fitting, day first wins, except with slashes in an American time zone.
    """
    cells = [text for text in samples if text.strip()]
    fitting = [order for order in ORDERS if cells and all(moment(text, order, UTC) for text in cells)]
    if not fitting:
        # Some cells are wrong, wherever: the order that most of them are in.
        counted = {order: sum(moment(text, order, UTC) is not None for text in cells) for order in ORDERS}
        return max(counted, key=lambda order: counted[order]), False
    if len(fitting) == 1:
        return fitting[0], False
    american = zone.startswith(("America/", "US/")) and any("/" in text for text in cells)
    return ("mdy" if american else "dmy"), True


def _zone(written: str | None, zone: tzinfo) -> tzinfo:
    if written is None:
        return zone
    if written in {"Z", "UTC", "GMT"}:
        return UTC
    sign = -1 if written[0] == "-" else 1
    offset = timedelta(hours=int(written[1:3]), minutes=int(written[-2:]))
    return timezone(sign * offset)
