"""The first look at a file: how it is read, its columns with some cells, which column is which field. Blocking; run in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from portal.connectors.files import dates, guessing, numbers, reading
from portal.connectors.files.bounds import SAMPLE
from portal.connectors.files.fields import Table
from portal.connectors.files.layout import Layout
from portal.connectors.files.rows import Entry, Reader, Trouble
from portal.uploads.upload import Column

SHOWN = 8
"""Rows of the preview."""
_CELL = 120


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """`ambiguous`: the dates would fit another order as well."""

    layout: Layout
    columns: list[Column]
    mapping: dict[str, str]
    ambiguous: bool = False


class Seen(msgspec.Struct, frozen=True):
    """One row as it would be understood."""

    line: int
    entry: Entry
    troubles: list[Trouble]


def look(path: Path, table: Table, layout: Layout, remembered: Mapping[str, str] | None = None) -> Look:
    """Columns, mapping (remembered, else guessed), and what the cells tell of decimal mark, dates and currency.

    `layout` says format, encoding, delimiter and quotation mark; its time zone and currency are the defaults. Raises `Refused`.
    """
    names = reading.columns(path, layout)
    sample = [cells for _, cells in islice(reading.rows(path, layout, names), SAMPLE)]
    mapping = guessing.known(remembered or {}, table, names) or guessing.guess(table, names)
    amounts = _cells(sample, names, _mapped(table, mapping, _NUMERIC))
    moments = _cells(sample, names, _mapped(table, mapping, _DATES))
    decimal = numbers.decimal_mark(amounts)
    order, ambiguous = dates.order_of(moments, layout.timezone) if moments else (layout.dates, False)
    columns = [Column(name, _first(sample, place)) for place, name in enumerate(names)]
    found = msgspec.structs.replace(
        layout, decimal=decimal, dates=order, currency=_currency(amounts, decimal) or layout.currency
    )
    return Look(layout=found, columns=columns, mapping=mapping, ambiguous=ambiguous)


def rewritten(path: Path, table: Table, layout: Layout, before: Mapping[str, str], after: Mapping[str, str]) -> Layout:
    """`layout` with the decimal mark and the order of dates that columns tell which were not chosen before. Raises `Refused`."""
    amounts, moments = (
        _mapped(table, after, kinds) if set(_mapped(table, after, kinds)) != set(_mapped(table, before, kinds)) else []
        for kinds in (_NUMERIC, _DATES)
    )
    if not amounts and not moments:
        return layout
    names = reading.columns(path, layout)
    sample = [cells for _, cells in islice(reading.rows(path, layout, names), SAMPLE)]
    if cells := _cells(sample, names, amounts):
        layout = msgspec.structs.replace(layout, decimal=numbers.decimal_mark(cells))
    if cells := _cells(sample, names, moments):
        layout = msgspec.structs.replace(layout, dates=dates.order_of(cells, layout.timezone)[0])
    return layout


def preview(path: Path, table: Table, layout: Layout, mapping: Mapping[str, str], latest: datetime) -> list[Seen]:
    """The first rows as they would be understood. Raises `Refused`."""
    names = reading.columns(path, layout)
    reader = Reader(table, names, mapping, layout, latest)
    found = []
    for line, cells in islice(reading.rows(path, layout, names), SHOWN):
        _, entry, troubles = reader.read(line, cells)
        found.append(Seen(line, entry, troubles))
    return found


def ambiguous(columns: Sequence[Column], mapping: Mapping[str, str], table: Table, layout: Layout) -> bool:
    """Whether the cells kept for the preview leave day and month open."""
    wanted = {mapping.get(field.name) for field in table.fields if field.type == "date"}
    cells = [cell for column in columns if column.name in wanted for cell in column.cells]
    return bool(cells) and layout.dates in ("dmy", "mdy") and dates.order_of(cells, layout.timezone)[1]


_NUMERIC = frozenset({"money", "number", "count"})
_DATES = frozenset({"date"})


def _mapped(table: Table, mapping: Mapping[str, str], kinds: frozenset[str]) -> list[str]:
    return [mapping[field.name] for field in table.fields if field.type in kinds and field.name in mapping]


def _cells(sample: Sequence[Sequence[Any]], names: Sequence[str], columns: Sequence[str]) -> list[str]:
    places = [names.index(column) for column in columns]
    return [str(row[place]) for row in sample for place in places if place < len(row) and row[place]]


def _first(sample: Sequence[Sequence[Any]], place: int) -> list[str]:
    """Different cells of a column, the first ones; enough to see what is in it and how its dates are written."""
    cells = dict.fromkeys(str(row[place])[:_CELL] for row in sample if place < len(row) and row[place])
    return list(cells)[:40]


def _currency(amounts: Sequence[str], decimal: str) -> str:
    """The one currency that the amounts are written with, empty when they name none."""
    for text in amounts:
        _, sign = numbers.amount(text, decimal)
        if sign:
            return numbers.SYMBOLS.get(sign, (sign,))[0]
    return ""
