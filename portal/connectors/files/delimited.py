"""CSV and TSV (RFC 4180, and what spreadsheets make of it), streamed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from portal.connectors.files.bounds import MAX_CELL, MAX_COLUMNS
from portal.connectors.files.layout import DELIMITERS, Layout
from portal.connectors.files.lines import lines, opened
from portal.connectors.files.refusal import Refused

_HINT = re.compile(r"sep=(.)\s*", re.I)
_ENDS = ("\n", "\r")

csv.field_size_limit(MAX_CELL)  # the reader's own bound: a quotation mark that is never closed ends there


def header(path: Path, layout: Layout) -> tuple[str, ...]:
    """The names of the columns. Raises `Refused` for none, too many, or the same one twice."""
    for _, cells in _records(path, layout):
        return _named(cells)
    raise Refused("The file holds nothing but blank lines.", "Export it again and look at it before the upload.")


def rows(path: Path, layout: Layout) -> Iterator[tuple[int, Sequence[str]]]:
    """(line, cells) of every row below the header; blank lines are left out. Raises `Refused` where it cannot be read."""
    yield from islice(_records(path, layout), 1, None)


def dialect(head: str) -> tuple[str, str]:
    """(delimiter, quote) of the text's first lines: what cuts most of them into the same number of cells, above one."""
    first = head.split("\n", 1)[0]
    if hint := _HINT.fullmatch(first.strip("\r")):
        return hint[1], '"'
    whole = head.splitlines()[:60]
    quote = "'" if '"' not in head and sum(line.startswith("'") for line in whole) > len(whole) / 2 else '"'
    best, found = (0.0, 0), ","
    for delimiter in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(whole, delimiter=delimiter, quotechar=quote) if row]
        except csv.Error:
            continue
        if not counts or counts[0] < 2:
            continue
        score = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
        if score > best:
            best, found = score, delimiter
    return found, quote


def _records(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    with opened(path, layout.encoding) as file:
        reader = csv.reader(lines(file), delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cells) and not (line == 1 and _HINT.fullmatch(layout.delimiter.join(cells))):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise _refusal(str(error), line) from None


def _refusal(error: str, line: int) -> Refused:
    if "end of data" in error or "field limit" in error:
        return Refused(
            f"A quotation mark that opens in line {line} is never closed.",
            "Was the file cut off? Otherwise double the quotation marks inside cells.",
            line,
        )
    return Refused(
        f"Line {line} is not proper CSV: text follows a closing quotation mark.",
        "Double the quotation marks inside cells, or choose another quotation mark.",
        line,
    )


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    if len(cells) > MAX_COLUMNS:
        raise Refused(
            f"The first line has {len(cells):,} columns; at most {MAX_COLUMNS} can be read.",
            "Delete the columns that are not needed, or check the delimiter.",
            1,
        )
    names = tuple(cell.strip().lstrip("\ufeff") or f"(column {place})" for place, cell in enumerate(cells, 1))
    seen: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if other := seen.get(name.casefold()):
            raise Refused(
                f"Columns {other} and {place} are both called “{name[:60]}”.", "Give each column a name of its own.", 1
            )
        seen[name.casefold()] = place
    if all(re.fullmatch(r"[\d.,\s:/+-]*", name) for name in names):
        raise Refused("The first line holds values, not names of columns.", "Put a line with names above the rows.", 1)
    return names
