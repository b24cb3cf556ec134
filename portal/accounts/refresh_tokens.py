"""Refresh tokens: each works once and is exchanged for the next. One used twice was stolen, so its family ends.

There is no grace for a retry: a client whose answer was lost signs in again. A window in which an old token still
worked would be a window for a thief as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from portal.accounts.secrets import digest, new_secret
from portal.tenancy.scope import Scope

PREFIX = "prt_"


@dataclass(frozen=True, slots=True)
class Spent:
    """What became of a refresh token: `user_id` and `family` when it was good, `reused` when it was used before."""

    user_id: UUID | None = None
    family: UUID | None = None
    active_org: UUID | None = None
    reused: bool = False


async def begin(
    scope: Scope, *, user_id: UUID, org_id: UUID | None, days: int, family: UUID | None = None
) -> tuple[UUID, str]:
    """A new refresh token (of a new family unless one is given) for `days` days: the family and the secret."""
    family, secret = family or uuid4(), new_secret(PREFIX)
    await scope.sql.execute(
        "INSERT INTO refresh_tokens (family, user_id, active_org, token_hash, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + $5::interval)",
        family,
        user_id,
        org_id,
        digest(secret),
        timedelta(days=days),
    )
    return family, secret


async def spend(scope: Scope, secret: str) -> Spent:
    """Use up a refresh token. A second use revokes the family, in this transaction: commit it, then refuse."""
    row = await scope.sql.fetchrow(
        "SELECT id, family, user_id, active_org, used_at, revoked_at, expires_at <= now() AS expired"
        " FROM refresh_tokens WHERE token_hash = $1 FOR UPDATE",
        digest(secret),
    )
    if row is None:
        return Spent()
    if row["used_at"] is not None:
        await revoke_family(scope, row["family"])
        return Spent(row["user_id"], row["family"], reused=True)
    if row["revoked_at"] is not None or row["expired"]:
        return Spent()
    await scope.sql.execute("UPDATE refresh_tokens SET used_at = now() WHERE id = $1", row["id"])
    return Spent(row["user_id"], row["family"], row["active_org"])


async def family_of(scope: Scope, secret: str) -> tuple[UUID, UUID] | None:
    """The family and user of a refresh token, used or not."""
    row = await scope.sql.fetchrow("SELECT family, user_id FROM refresh_tokens WHERE token_hash = $1", digest(secret))
    return (row["family"], row["user_id"]) if row else None


async def revoke_family(scope: Scope, family: UUID) -> None:
    """End a sign-in: its refresh tokens now, its access tokens as soon as the caller has told the bus."""
    await scope.sql.execute(
        "UPDATE refresh_tokens SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL", family
    )
