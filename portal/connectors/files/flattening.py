"""Nested records (JSON, XML) as rows of a table: dotted names, one row per line item. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portal.connectors.files.bounds import MAX_CELL, MAX_COLUMNS, MAX_DEPTH
from portal.connectors.files.refusal import Refused

_NAMES = (
    "lines line_items lineitems items item line positions position positionen order_lines orderlines artikel products "
    "produkte"
)
_HALF = re.compile("[\ud800-\udfff]")
_LINES = frozenset(_NAMES.split())


def flattened(record: dict[str, Any], line: int) -> Iterator[dict[str, str]]:
    """The rows of one record: as many as it has line items, at least one. Raises `Refused` when it is too deep or wide."""
    head: dict[str, str] = {}
    items: list[dict[str, Any]] = []
    for name, value in record.items():
        found = _items(value) if not items and name.lower() in _LINES else None
        if found is not None:
            items = found
        else:
            _into(head, name, value, 1, line)
    if not items:
        yield head
    for item in items:
        row = dict(head)
        _into(row, "lines", item, 1, line)
        yield row


def _clean(text: Any) -> Any:
    """Half a character (JSON can say one, "\\ud800") has no bytes in any encoding and fits no database."""
    return text if not isinstance(text, str) or text.isascii() else _HALF.sub("\ufffd", text)


def _items(value: Any) -> list[dict[str, Any]] | None:
    """Line items, also when they lie in a wrapper (`<lines><line>…</line><line>…</line></lines>`)."""
    if isinstance(value, dict) and len(value) == 1:
        inner = next(iter(value.values()))
        if isinstance(inner, dict | list):
            value = inner if isinstance(inner, list) else [inner]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return value
    return None


def _into(row: dict[str, str], name: str, value: Any, depth: int, line: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused(f"The record at line {line} is nested more than {MAX_DEPTH} deep.", "Flatten it.", line)
    if value is None:
        return
    if isinstance(value, dict):
        for inner, each in value.items():
            _into(row, f"{name}.{inner}" if inner else name, each, depth + 1, line)
    elif isinstance(value, list):
        row[_clean(name)] = _clean(", ".join(each for each in value if isinstance(each, str))[:MAX_CELL])
    else:
        row[_clean(name)] = _clean(value)
    if len(row) > MAX_COLUMNS:
        raise Refused(
            f"The record at line {line} has more than {MAX_COLUMNS} fields.", "Leave out what is not needed.", line
        )
