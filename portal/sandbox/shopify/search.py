"""The `query:` argument: `field:>='value'` terms joined by blanks, and what is remarked of terms that were not understood.

As at the platform, a date without quotes loses its time of day, and only `extensions.search` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
Getter = Callable[[Any], object]
_TERM = re.compile(r"(?P<field>[A-Za-z_]+):(?P<op>>=|<=|>|<)?\s*(?P<value>'[^']*'|\"[^\"]*\"|\S+)")
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "": lambda a, b: a == b,
}


def compiled(query: str, getters: Mapping[str, Getter], path: str) -> tuple[Callable[[Any], bool], Json]:
    """The test for rows, and what `extensions.search` says of the query."""
    tests: list[Callable[[Any], bool]] = []
    warnings: list[Json] = []
    for term in _TERM.finditer(query):
        field, op, raw = term["field"], term["op"] or "", term["value"]
        get = getters.get(field)
        if get is None:
            warnings.append(
                {"field": field, "message": "Invalid search field for this query.", "code": "invalid_field"}
            )
            continue
        quoted, value = raw[0] in "'\"", raw.strip("'\"")
        if field.endswith("_at"):
            if not quoted and "T" in value:
                value = value.split("T")[0]
                warnings.append(
                    {"field": field, "message": f"Input `{raw}` was cut to `{value}`.", "code": "invalid_date"}
                )
            moment = _moment(value)
            if moment is None:
                warnings.append({"field": field, "message": f"Input `{raw}` is not a date.", "code": "invalid_date"})
                continue
            tests.append(_comparing(get, _TESTS[op], moment))
        elif op:
            tests.append(_comparing(get, _TESTS[op], int(value) if value.isdigit() else value))
        else:
            tests.append(_among(get, set(value.split(","))))
    told: Json = {"path": [path], "query": query}
    if warnings:
        told["warnings"] = warnings
    return (lambda row: all(test(row) for test in tests)), told


def _moment(value: str) -> int | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _comparing(get: Getter, test: Callable[[Any, Any], bool], wanted: object) -> Callable[[Any], bool]:
    return lambda row: test(get(row), wanted)


def _among(get: Getter, wanted: set[str]) -> Callable[[Any], bool]:
    return lambda row: str(get(row)).lower() in wanted
