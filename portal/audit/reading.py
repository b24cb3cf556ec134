"""Reading the trail: of one organization, and of all for the agency."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as people read it; `changes` are the fields that differ, before and after (masked)."""

    seq: int
    at: datetime
    actor: str
    role: str
    action: str
    target: str
    address: str
    request_id: str
    changes: tuple[tuple[str, str, str], ...]
    id: int = 0  # of the whole trail, over all chains
    client: str = ""  # whose chain it is in; empty: the platform's own, or one's own


async def entries_before(connection: Any, org_id: UUID, before: int | None, limit: int) -> list[Entry]:
    """The newest `limit` entries with a number below `before`. `connection` is of the organization's transaction."""
    rows = await connection.fetch(
        "SELECT seq, at, actor, role, action, target, address, request_id, before, after FROM audit_entries"
        " WHERE chain = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
        str(org_id),
        before,
        limit,
    )
    return [_entry(dict(row)) for row in rows]


async def every_entry_before(connection: Any, before: int | None, limit: int) -> list[Entry]:
    """The newest `limit` entries of all chains with an id below `before`. `connection` is of a platform transaction."""
    rows = await connection.fetch(
        "SELECT e.id, coalesce(o.name, '') AS client, e.seq, e.at, e.actor, e.role, e.action, e.target, e.address,"
        " e.request_id, e.before, e.after FROM audit_entries e LEFT JOIN organizations o ON o.id = e.org_id"
        " WHERE $1::bigint IS NULL OR e.id < $1 ORDER BY e.id DESC LIMIT $2",
        before,
        limit,
    )
    return [_entry(dict(row)) for row in rows]


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(changes=_changes(row.pop("before"), row.pop("after")), **row)


def _changes(before: str | None, after: str | None) -> tuple[tuple[str, str, str], ...]:
    old, new = (json.loads(text) if text else {} for text in (before, after))
    return tuple(
        (name, _shown(old.get(name)), _shown(new.get(name)))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
