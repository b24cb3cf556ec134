"""Where to go after signing in: a path of ours, never another site."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,1000}")


def safe_next(wanted: str) -> str:
    """`wanted` when it is a path on this site, else `/`. Browsers read `//host`, `/\\host` and control characters as more."""
    if not _PATH.fullmatch(wanted) and wanted != "/":
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or parts.path in {"/login", "/logout"} else wanted
