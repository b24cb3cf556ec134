"""Pages of a list: sorted by a key and then by id, cut after a cursor that remembers both, so that none slips through."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.sandbox.shopify.graphql.execute import Slice
from portal.sandbox.shopify.graphql.language import Wrong

MOST = 250
Key = Callable[[Any], tuple[int, int]]


def sliced(rows: Iterable[Any], args: Mapping[str, Any], key: Key) -> Slice:
    """The page that `first`, `after` and `reverse` ask for. Without `first` (a bulk operation) everything."""
    first, after = args.get("first"), args.get("after")
    if first is not None and not 0 < first <= MOST:
        raise Wrong(f"first must be between 1 and {MOST}")
    ordered = sorted(rows, key=key)
    if args.get("reverse"):
        ordered.reverse()
        start = (
            0 if after is None else next((n for n, row in enumerate(ordered) if key(row) < _read(after)), len(ordered))
        )
    else:
        start = 0 if after is None else bisect_right(ordered, _read(after), key=key)
    end = len(ordered) if first is None else start + first
    return Slice(ordered[start:end], end < len(ordered), lambda row: cursor(key(row)))


def cursor(position: tuple[int, int]) -> str:
    """A position as text."""
    return base64.b64encode(json.dumps({"last_value": position[0], "last_id": position[1]}).encode()).decode()


def _read(given: str) -> tuple[int, int]:
    try:
        found = json.loads(base64.b64decode(given, validate=True))
        return int(found["last_value"]), int(found["last_id"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Wrong("Invalid cursor for current pagination sort.") from error
