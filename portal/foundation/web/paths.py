"""How addresses are matched: numbers that fit a row's id, and never a redirect to a tidier spelling."""

from __future__ import annotations

from typing import Any

from quart import Quart
from werkzeug.routing import IntegerConverter, Map

_LARGEST = 2**63 - 1  # of a bigint


class RowId(IntegerConverter):
    """`<int:…>`: what no row's id can be is 404 like any other unknown id, not an error of the database's."""

    def __init__(self, map: Map, **bounds: Any) -> None:
        super().__init__(map, **{"max": _LARGEST, **bounds})


def install(app: Quart) -> None:
    """Before any route is registered."""
    app.url_map.converters["int"] = RowId
    # Werkzeug would redirect `//` to `/`, by an absolute address made of whatever the Host header says.
    app.url_map.merge_slashes = False
