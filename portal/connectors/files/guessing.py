"""Which column is which field, guessed by name; and what tells that a file has the header of an earlier one. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

from portal.connectors.files.fields import ITEM_FIELDS, Table

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def folded(name: str) -> str:
    """A column's name without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_UMLAUTS))
    return re.sub(r"[^a-z0-9]", "", plain)


def guess(table: Table, columns: Sequence[str]) -> dict[str, str]:
    """field -> column. A column serves one field; where several would do, the field's first name wins."""
    free: dict[str, str] = {}
    for column in columns:
        free.setdefault(folded(column), column)
    found: dict[str, str] = {}
    nested = any(column.startswith("lines.") for column in columns)
    for field in table.fields:
        names = field.names
        if (
            nested and field.name in ITEM_FIELDS
        ):  # a record with its lines inside: an item's fields are there, not above
            names = tuple(name for name in names if name.startswith("lines")) + tuple(f"lines{name}" for name in names)
        if name := next((name for name in names if name in free), ""):
            found[field.name] = free.pop(name)
    return found


def signature(columns: Sequence[str]) -> str:
    """Equal for files with the same column names in whatever order."""
    return hashlib.sha256("\x1f".join(sorted(map(folded, columns))).encode()).hexdigest()[:32]


def known(mapping: Mapping[str, str], table: Table, columns: Sequence[str]) -> dict[str, str]:
    """`mapping` without fields that the kind does not have and columns that the file does not have."""
    names = {field.name for field in table.fields}
    return {field: column for field, column in mapping.items() if field in names and column in columns}


def missing(table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    """What must be mapped and is not: field -> sentence. Also a column that serves two fields."""
    wrong = {
        field.name: f"Choose the column with the {field.label.lower() if field.label != 'SKU' else 'SKU'}."
        for field in table.fields
        if field.required and not mapping.get(field.name)
    }
    for names in table.one_of:
        if not any(mapping.get(name) for name in names):
            labels = " or ".join(f"“{table.field(name).label}”" for name in names)
            wrong[names[0]] = f"Choose a column for {labels}."
    for field, column in mapping.items():
        if twice := [other for other in mapping if other != field and mapping[other] == column]:
            wrong[field] = f"“{column}” is also chosen for “{table.field(twice[0]).label}”."
    return wrong
