"""A file of rates, whoever sends it: the ECB's XML, the ECB's CSV (a column for each currency), or date, currency, rate[, base].

Read whole or not at all: one row that is not right is told with its line, and nothing of the file is taken over. The same for
an uploaded file and for the configured source. Blocking; run in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec

from portal.connectors.files import delimited
from portal.connectors.files.reading import recognised
from portal.connectors.files.refusal import Refused
from portal.connectors.files.rows import Trouble
from portal.connectors.files.survey import survey
from portal.rates.cubes import BASE, cubes
from portal.rates.given import Given, Wrong, currency_of, day_of, rate_of

MAX_BYTES = 32 << 20
"""The ECB's whole history is a third of this."""
MAX_RATES = 600_000
_ADVICE = "It should be the ECB's file (XML or CSV), or have the columns date, currency, rate and, if you like, base."
_NAMES = {
    "date": ("date", "day", "datum", "time_period"),
    "currency": ("currency", "code", "currency_code", "waehrung", "währung"),
    "rate": ("rate", "value", "kurs", "obs_value"),
    "base": ("base", "base_currency"),
}
_UNKNOWN = {"", "n/a", "-"}
Row = tuple[int, str, Callable[[date], Given]]
"""Line, column, and how it is judged on a day."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """`layout` is cubes (XML), table (a column for each currency) or plain. Of a file with `problems` nothing is given."""

    layout: str
    given: list[Given]
    problems: list[Trouble]


def read(path: Path, filename: str, reporting: str, today: date) -> Sheet:
    """Everything a file says. `reporting` is the base of a plain file without one. Raises `Refused`."""
    found = survey(path)
    if found.bytes > MAX_BYTES:
        raise Refused(f"The file is larger than {MAX_BYTES >> 20} MB.", "Split it by year.")
    form = recognised(path, found.encoding, filename)
    if form.format == "xml":
        return _judged("cubes", _of_cubes(path), today)
    if form.format != "csv":
        raise Refused("The file is JSON.", _ADVICE)
    header = delimited.header(path, form)
    names = [name.strip().casefold() for name in header]
    lines = delimited.rows(path, form)
    if all(_place(names, field) is not None for field in ("date", "currency", "rate")):
        return _judged("plain", _of_rows(names, lines, reporting), today)
    if names[0] in _NAMES["date"] and any(len(name) == 3 for name in names[1:]):
        return _judged("table", _of_table(header, lines), today)
    raise Refused("The columns are not those of exchange rates.", _ADVICE, 1)


def _judged(layout: str, rows: Iterator[Row], today: date) -> Sheet:
    given: dict[tuple[date, str, str], Given] = {}
    problems: list[Trouble] = []
    for line, column, judge in rows:
        try:
            made = judge(today)
            if made.base == made.currency:
                raise Wrong(f"{made.currency} is rated in itself", "Leave the row out.")
            key = (made.day, made.base, made.currency)
            if given.setdefault(key, made) != made:
                raise Wrong(f"{made.currency} on {made.day} is given twice, differently", "Keep one of the two rows.")
        except Wrong as wrong:
            problems.append(Trouble(line, column, *wrong.args))
        if len(given) > MAX_RATES:
            raise Refused(f"The file has more than {MAX_RATES:,} rates.", "Split it by year.")
    if not given and not problems:
        raise Refused("There are no rates in the file.", _ADVICE)
    return Sheet(layout=layout, given=[] if problems else list(given.values()), problems=problems)


def _of_cubes(path: Path) -> Iterator[Row]:
    for line, day, currency, rate in cubes(path):
        yield line, currency[:20], _judge(day, BASE, currency, rate, of_base=True)


def _of_table(header: Sequence[str], lines: Iterator[tuple[int, Sequence[str]]]) -> Iterator[Row]:
    named = [(place, name.strip()) for place, name in enumerate(header) if place and not name.startswith("(column ")]
    for line, cells in lines:
        for place, name in named:
            text = cells[place] if place < len(cells) else ""
            if text.strip().casefold() not in _UNKNOWN:
                yield line, name[:20], _judge(cells[0], BASE, name, text, of_base=True)


def _of_rows(names: Sequence[str], lines: Iterator[tuple[int, Sequence[str]]], reporting: str) -> Iterator[Row]:
    """Without a base a row says what one unit costs; with one it says, as everybody does, what one unit of the base costs."""
    day, currency, rate = (_place(names, field) or 0 for field in ("date", "currency", "rate"))
    base = _place(names, "base")
    last = max(day, currency, rate, base or 0)
    for line, cells in lines:
        if len(cells) <= last:
            yield line, "", _too_short
            continue
        named = cells[base] if base is not None else ""
        of_base = bool(named.strip())
        yield (
            line,
            "",
            _judge(cells[day], named if of_base else reporting, cells[currency], cells[rate], of_base=of_base),
        )


def _judge(day: str, base: str, currency: str, rate: str, *, of_base: bool) -> Callable[[date], Given]:
    return lambda today: Given(day_of(day, today), currency_of(base), currency_of(currency), rate_of(rate), of_base)


def _too_short(_: date) -> Given:
    raise Wrong("The row has too few cells", "Give it a date, a currency and a rate.")


def _place(names: Sequence[str], field: str) -> int | None:
    return next((place for place, name in enumerate(names) if name in _NAMES[field]), None)
