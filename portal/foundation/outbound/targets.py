"""What address a request may name at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from yarl import URL

from portal.foundation.errors import Permanent

Params = Mapping[str, str] | Sequence[tuple[str, str]]
_LONGEST = 16_384
_USER = re.compile(r"\s*\w+://[^/?#]*@")  # an empty user name too, which parsing drops


def target(url: str, params: Params | None = None) -> URL:
    """The parsed address with `params` added to its query.

    Raises Permanent, which never repeats the address: it may carry secrets.
    """
    parsed = _parse(url, params)
    if parsed is None or not parsed.raw_host or len(str(parsed)) > _LONGEST:
        raise _refusal("The address is not a web address.", "Enter it like https://shop.example.")
    if parsed.scheme not in ("http", "https"):
        raise _refusal("Only http and https addresses are reached.", "Begin the address with https://.")
    if "@" in parsed.raw_authority or _USER.match(url):
        raise _refusal(
            "The address contains a user name.",
            "Enter the address alone; user names and passwords have fields of their own.",
        )
    return parsed.with_fragment(None)


def _parse(url: str, params: Params | None) -> URL | None:
    try:
        parsed = URL(url.strip())
        if params:
            parsed = parsed.extend_query(params)
        return parsed if parsed.absolute and parsed.port else None
    except (ValueError, TypeError, UnicodeError):
        return None


def _refusal(message: str, advice: str) -> Permanent:
    return Permanent(message, advice, details={"reason": "bad_url"})
