"""What goes into the trail: plain JSON that PostgreSQL gives back unchanged, without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from portal.foundation.redaction import redact
from portal.foundation.vault.masking import mask

_SECRET_NAME = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|consumer_key|access_key|private|credential|signature", re.I
)
_LONGEST = 2_000  # characters of one text


def masked(value: Any, name: str = "") -> Any:
    """`value` with every field whose name says secret masked, at any depth, and secrets inside texts redacted.

    Decimals and floats become text: jsonb does not keep their spelling, and a hash needs it.
    """
    if isinstance(value, Mapping):
        return {_text(str(key)): masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [masked(item, name) for item in items]
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name):
        return mask(_text(str(value)))
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return redact(_text(str(value)))[:_LONGEST]


def _text(value: str) -> str:
    """jsonb takes neither NUL nor lone surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
