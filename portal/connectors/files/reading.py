"""A file as a table, whatever it is: names of columns, and rows one by one in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from portal.connectors.files import delimited
from portal.connectors.files.bounds import CHUNK, SAMPLE
from portal.connectors.files.flattening import flattened
from portal.connectors.files.json_records import json_array, json_lines
from portal.connectors.files.layout import Layout
from portal.connectors.files.lines import opened
from portal.connectors.files.refusal import Refused
from portal.connectors.files.xml_records import xml_records

Row = tuple[int, Sequence[str | None]]


def recognised(path: Path, encoding: str, filename: str = "") -> Layout:
    """Format, delimiter and quotation mark, from the first characters (and the name's ending between JSON and JSON Lines)."""
    with opened(path, encoding) as file:
        try:
            head = file.read(CHUNK).lstrip("\ufeff")
        except UnicodeDecodeError:
            raise Refused("The file is not text in any known encoding.", "Save it as UTF-8.") from None
    text = head.lstrip()
    if not text:
        raise Refused("The file holds nothing but blank lines.", "Export it again and look at it before the upload.")
    if text[0] == "<":
        return Layout(format="xml", encoding=encoding)
    if text[0] == "[":
        return Layout(format="json", encoding=encoding)
    if text[0] == "{":
        one_each = filename.lower().endswith((".jsonl", ".ndjson")) or _is_lines(text)
        return Layout(format="jsonl" if one_each else "json", encoding=encoding)
    delimiter, quote = delimited.dialect(head)
    return Layout(format="csv", encoding=encoding, delimiter=delimiter, quote=quote)


def columns(path: Path, layout: Layout) -> tuple[str, ...]:
    """The names of the columns: the header, or every field of the first records. Raises `Refused`."""
    if layout.format == "csv":
        return delimited.header(path, layout)
    found: dict[str, None] = {}
    for _, row in islice(_flat(path, layout), SAMPLE):
        found.update(dict.fromkeys(row))
    if not found:
        raise Refused("There are no records in the file.", "Export it again and look at it before the upload.")
    return tuple(found)


def rows(path: Path, layout: Layout, names: Sequence[str]) -> Iterator[Row]:
    """(line, cells) for every row, in the order of `names`. A CSV row may have another number of cells; others never do."""
    if layout.format == "csv":
        yield from delimited.rows(path, layout)
        return
    for line, row in _flat(path, layout):
        yield line, [row.get(name) for name in names]


def _flat(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, str]]]:
    for line, record in _records(path, layout):
        for row in flattened(record, line):
            yield line, row


def _records(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, Any]]]:
    if layout.format == "xml":
        return xml_records(path)
    return (json_lines if layout.format == "jsonl" else json_array)(path, layout.encoding)


def _is_lines(text: str) -> bool:
    """The first line is a whole object, and another one follows or nothing does but it holds no list of records."""
    first, _, rest = text.partition("\n")
    if not first.rstrip().endswith("}") or first.count("{") != first.count("}"):
        return False
    return rest.lstrip().startswith("{") or (not rest.strip() and "[{" not in first.replace(" ", ""))
