"""The clients list: every organization with its connections' standing, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from portal.tenancy.scope import Scope

_SQL = """
SELECT o.id, o.name, o.reporting_currency, o.created_at, o.is_demo,
       (SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.org_id = o.id AND m.role = 'owner' ORDER BY m.created_at LIMIT 1) AS owner_email,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
           'id', c.id, 'name', c.connection_name, 'platform', c.platform_type, 'status', c.status,
           'last_success_at', c.last_success_at, 'next_sync_at', c.next_sync_at, 'error', c.last_error,
           'syncing', coalesce(c.lease_until > now(), false)) ORDER BY c.id)
         FROM client_api_credentials c WHERE c.org_id = o.id), '[]') AS stores
FROM organizations o
WHERE o.disabled_at IS NULL AND ($1::text IS NULL OR o.name ILIKE '%' || $1 || '%' OR EXISTS (
    SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.org_id = o.id AND u.email ILIKE '%' || $1 || '%'))
ORDER BY o.created_at DESC, o.id LIMIT $2 OFFSET $3
"""


@dataclass(frozen=True, kw_only=True)
class ClientRow:
    """One client. `stores` are dicts with id, name, platform, status, last_success_at, next_sync_at, error, syncing."""

    id: UUID
    name: str
    reporting_currency: str
    created_at: datetime
    is_demo: bool
    owner_email: str | None
    stores: list[dict[str, Any]]


async def list_clients(tx: Scope, *, search: str | None, limit: int, offset: int) -> list[ClientRow]:
    """The newest clients first; `search` matches name and e-mail."""
    escaped = search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") if search else None
    rows = await tx.sql.fetch(_SQL, escaped, limit, offset)
    return [
        ClientRow(**{**dict(row), "stores": [_store(s) for s in msgspec.json.decode(row["stores"])]}) for row in rows
    ]


def _store(found: dict[str, Any]) -> dict[str, Any]:
    for name in ("last_success_at", "next_sync_at"):
        if found[name]:
            found[name] = datetime.fromisoformat(found[name])
    return found
