"""API keys: a program's way into one organization. Shown once; only the hash is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from portal.accounts.principal import Principal, Standing
from portal.accounts.secrets import digest, new_secret
from portal.foundation.database import Database
from portal.foundation.errors import Invalid
from portal.tenancy.scope import Scope, platform

PREFIX = "pk_live_"
SCOPES = ("read", "write")
"""`read` allows GET and HEAD, `write` the other methods; both act with a member's rights."""


async def create_api_key(
    scope: Scope,
    *,
    org_id: UUID,
    name: str,
    scopes: Iterable[str] = ("read",),
    created_by: UUID | None = None,
    expires_at: datetime | None = None,
) -> tuple[UUID, str]:
    """A new key: its id and its secret, which nobody can read again. Raises `Invalid` by field."""
    wanted = sorted(set(scopes))
    if not name.strip() or len(name) > 100:
        raise Invalid("The key needs a name.", {"name": "must have 1 to 100 characters"})
    if not wanted or not set(wanted) <= set(SCOPES):
        raise Invalid("The scopes are not right.", {"scopes": f"must be of: {', '.join(SCOPES)}"})
    secret = new_secret(PREFIX)
    key_id: UUID = await scope.sql.fetchval(
        "INSERT INTO api_keys (org_id, name, prefix, key_hash, scopes, created_by, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        org_id,
        name.strip(),
        secret[: len(PREFIX) + 4],
        digest(secret),
        wanted,
        created_by,
        expires_at,
    )
    return key_id, secret


async def revoke_api_key(scope: Scope, key_id: UUID) -> bool:
    """End a key; False when the scope's organization has none such. Other processes notice within 5 seconds."""
    return bool(
        await scope.sql.fetchval(
            "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id", key_id
        )
    )


async def key_standing(database: Database, secret: str) -> tuple[Standing, float] | None:
    """The standing of a key and when it expires (epoch seconds, infinite without an end); None when it is not valid."""
    async with platform(database, "resolve principal") as scope:
        row = await scope.sql.fetchrow(
            """SELECT k.id, k.org_id, k.name, k.scopes, k.expires_at, o.name AS organization,
                 k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS unseen
               FROM api_keys k JOIN organizations o ON o.id = k.org_id AND o.disabled_at IS NULL
               WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())""",
            digest(secret),
        )
        if row is None:
            return None
        if row["unseen"]:
            await scope.sql.execute("UPDATE api_keys SET last_used_at = now() WHERE id = $1", row["id"])
    who = Principal(
        user_id=None,
        email="",
        name=f"API key {row['name']}",
        role="member",
        org_id=row["org_id"],
        via="api_key",
        session_id=row["id"],
        scopes=frozenset(row["scopes"]),
    )
    until = row["expires_at"].timestamp() if row["expires_at"] else float("inf")
    return Standing(who, organization=row["organization"]), until
