"""The `query:` argument: how filters are written, and why what the search says of them is never ignored.

An unquoted date loses its time of day, a misspelt filter finds everything, and both answer 200 with only a remark in
`extensions.search`. So dates are always quoted here, an unquoted one never leaves the portal, and a remark is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from portal.foundation.errors import Permanent

_QUOTED = re.compile(r"'[^']*'")
_BARE_DATE = re.compile(r"_at\s*:\s*[<>=]*\s*[^\s<>='\x00]")
_ADVICE = "This is a mistake of the portal, not of the shop: please report it to the portal's operator."


def since(moment: datetime) -> str:
    """Rows changed at `moment` (aware; whole seconds) or later."""
    return f"updated_at:>='{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


def any_of(field: str, ids: Iterable[str]) -> str:
    """Rows whose `field` is one of these ids."""
    return f"{field}:{','.join(ids)}"


def check(filters: str) -> str:
    """`filters` as given. Raises `Permanent` for a date without quotes, which Shopify would silently cut to its day."""
    if _BARE_DATE.search(_QUOTED.sub("\x00", filters)):
        raise Permanent(f"A date in the search {filters[:100]!r} is not quoted.", _ADVICE)
    return filters


def refuse_warnings(search: object) -> None:
    """Raises `Permanent` when `extensions.search` says that a filter was not understood as it was meant."""
    for each in search if isinstance(search, list) else []:
        warnings = each.get("warnings") if isinstance(each, dict) else None
        if isinstance(warnings, list) and warnings:
            first = warnings[0] if isinstance(warnings[0], dict) else {}
            said = str(first.get("message", ""))[:200]
            raise Permanent(f"Shopify did not understand a search ({first.get('field', '?')}): {said}", _ADVICE)
