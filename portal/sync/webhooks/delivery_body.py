"""A delivery's body as a page may show it: indented, bounded, without what opens doors. Escaping is the template's."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST = 40_000
"""Characters shown."""
HIDDEN = "(hidden)"
_SECRET = re.compile(
    r"token|secret|password|passwd|api_?key|(^|_)key$|signature|nonce|authorization|cookie|cvv|card_?number"
)
_DOOR = re.compile(r"(https?://[^\s\"?#]+)\?[^\s\"#]+")
_DEEPEST = 60


def shown(body: bytes) -> tuple[str, bool]:
    """(text, whether it was cut). What is no JSON is shown as text; values whose name says secret, and the query of links (a
    store's links to an order let in whoever has them), are hidden."""
    try:
        text = json.dumps(_masked(json.loads(body), 0), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body[: LONGEST * 4].decode("utf-8", "replace")
    text = _DOOR.sub(r"\1?…", text).replace("\x00", "\ufffd")
    return (text[:LONGEST], True) if len(text) > LONGEST else (text, False)


def _masked(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        # WooCommerce's meta_data: the name stands beside the value.
        named = value.get("key")
        hides = isinstance(named, str) and _is_secret(named)
        return {
            name: HIDDEN
            if (_is_secret(name) and name != "key" and each not in (None, "")) or (hides and name == "value")
            else _masked(each, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_masked(each, depth + 1) for each in value]
    return value


def _is_secret(name: str) -> bool:
    return _SECRET.search(name.lower()) is not None
