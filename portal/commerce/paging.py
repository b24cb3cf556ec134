"""Keyset paging: a page says after which row the next one begins, so rows that change meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TypeVar

import msgspec

from portal.foundation.errors import BadRequest

_T = TypeVar("_T")


def token(position: object) -> str:
    """An opaque text for a row's position."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position(after: str, kind: type[_T]) -> _T:
    """The position in a token. Raises `BadRequest` when it is none of ours."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=kind)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise BadRequest(
            "The page you asked for is not known; begin with the first one.", details={"field": "after"}
        ) from error


def containing(search: str | None) -> str | None:
    """An ILIKE pattern for texts that contain `search` literally; None for an empty one."""
    found = (search or "").strip()
    literal = re.sub(r"([\\%_])", r"\\\1", found)
    return f"%{literal}%" if found else None
