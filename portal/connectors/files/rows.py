"""Rows of a table into entries: what each row says of one thing, normalised. Pure; every problem is told, none raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from portal.connectors.files.cells import Problem, cleaned, parser
from portal.connectors.files.fields import Table
from portal.connectors.files.layout import Layout
from portal.connectors.files.numbers import fits

Entry = dict[str, str]
"""Field -> normalised text: numbers without grouping, moments in UTC, the portal's own words."""


class Trouble(msgspec.Struct, frozen=True):
    """One finding of the validation report. `field` is the file's own name of the column; line None: the whole file."""

    line: int | None
    field: str
    problem: str
    remedy: str


class Reader:
    """Reads rows of one file by one mapping (field -> column)."""

    def __init__(
        self, table: Table, columns: Sequence[str], mapping: Mapping[str, str], layout: Layout, latest: datetime
    ) -> None:
        self._table, self._width, self._layout = table, len(columns), layout
        places = {column: place for place, column in enumerate(columns)}
        self._plan = [
            (field.name, places[mapping[field.name]], parser(field, layout, latest, self._met), mapping[field.name])
            for field in table.fields
            if mapping.get(field.name) in places
        ]
        self._mapped = {name for name, *_ in self._plan}
        self._columns = dict(mapping)
        self._required = [field for field in table.fields if field.required and not field.repeats]
        self._sign = ""  # the currency that amounts without a column for it are written with
        self._row_signs: list[str] = []

    def read(self, line: int, cells: Sequence[str | None]) -> tuple[str, Entry, list[Trouble]]:
        """(the thing's id, what is said of it, what is wrong)."""
        if len(cells) != self._width:
            if len(cells) < self._width or any(cells[self._width :]):
                return "", {}, [self._torn(line, len(cells))]
            cells = cells[: self._width]
        entry: Entry = {}
        troubles: list[Trouble] = []
        self._row_signs = []
        for name, place, parse, column in self._plan:
            cell = cells[place]
            if not cell:
                continue
            text = cleaned(cell)
            value: str | Problem = parse(text) if isinstance(text, str) and text else text
            if isinstance(value, str):
                if value:
                    entry[name] = value
            else:
                troubles.append(Trouble(line, column, *value))
        troubles += self._signs_fit(line, entry)
        key = entry.get(self._table.key) or (entry.get("email", "") if self._table.kind == "customers" else "")
        if not key and not troubles:
            column = self._columns.get(self._table.key, self._table.field(self._table.key).label)
            troubles.append(Trouble(line, column, "is empty", "Every row names what it is about."))
        return key, entry, troubles

    def _torn(self, line: int, cells: int) -> Trouble:
        few = cells < self._width
        remedy = (
            "Was the file cut off here? Otherwise complete the row."
            if few
            else "Put cells that contain the delimiter into quotation marks."
        )
        return Trouble(
            line, "(row)", f"has {cells} {'cell' if cells == 1 else 'cells'}, the header has {self._width}", remedy
        )

    def _met(self, sign: str) -> Problem | None:
        """An amount is written with a currency: judged once the row's own currency is known."""
        self._row_signs.append(sign)
        return None

    def _signs_fit(self, line: int, entry: Entry) -> list[Trouble]:
        if not self._row_signs:
            return []
        by_column = "currency" in self._mapped
        currency = entry.get("currency", self._layout.currency)
        for sign in self._row_signs:
            if by_column and fits(sign, currency):
                continue
            if by_column:
                problem = f"an amount is in {sign}, the row's currency is {currency}"
                return [Trouble(line, self._columns["currency"], problem, "Make the two agree.")]
            if self._sign and sign != self._sign:
                problem = f"is in {sign}, rows above are in {self._sign}"
                return [Trouble(line, "(currency)", problem, "Add a column with each row's currency (EUR, USD, …).")]
            if not fits(sign, currency):
                return [
                    Trouble(
                        line,
                        "(currency)",
                        f"is in {sign}, not in {currency}",
                        "Choose the right currency above the columns.",
                    )
                ]
            self._sign = sign
        return []
