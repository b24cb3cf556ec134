"""The hash of one link. Changing this changes every hash: it never changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

PLATFORM = "platform"
"""The chain of what belongs to no organization."""

START = bytes(32)
"""What the first link of a chain follows."""

FIELDS = (
    "chain",
    "seq",
    "org_id",
    "at",
    "actor_id",
    "actor",
    "role",
    "action",
    "target",
    "address",
    "request_id",
    "before",
    "after",
)


def link_hash(entry: Mapping[str, Any], previous: bytes) -> bytes:
    """sha256 over the previous hash and the entry's canonical JSON (sorted keys, no spaces, UTC microseconds)."""
    plain = {name: _plain(entry[name]) for name in FIELDS}
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + canonical.encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, (str, int, bool, dict, list)):
        return value
    return str(value)
