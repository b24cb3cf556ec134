"""Invitation links: single use, seven days, and no way to take over an account that has a password already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from portal.accounts.passwords import check_policy, hash_password, verify_password
from portal.accounts.secrets import digest, new_secret
from portal.foundation.errors import Conflict, Invalid, Missing
from portal.tenancy.scope import Scope

Role = Literal["owner", "member", "operator", "agent"]
LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that can still be accepted. `known` users prove their password instead of choosing one."""

    id: UUID
    org_id: UUID
    organization: str
    user_id: UUID
    email: str
    name: str
    role: str
    known: bool


async def invite(scope: Scope, *, org_id: UUID, user_id: UUID, role: str, invited_by: UUID | None) -> str:
    """The token of a new link `/invitation/<token>`; earlier open ones of this user and organization end."""
    token = new_secret()
    await scope.sql.execute(
        "UPDATE invitations SET expires_at = now()"
        " WHERE org_id = $1 AND user_id = $2 AND accepted_at IS NULL AND expires_at > now()",
        org_id,
        user_id,
    )
    await scope.sql.execute(
        "INSERT INTO invitations (org_id, user_id, role, token_hash, invited_by, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, now() + $6::interval)",
        org_id,
        user_id,
        role,
        digest(token),
        invited_by,
        LIFE,
    )
    return token


async def find(scope: Scope, token: str) -> Invitation:
    """The invitation of a token (platform scope). Raises `Missing` when it is used, expired or was never made."""
    row = await scope.sql.fetchrow(
        "SELECT i.id, i.org_id, o.name AS organization, i.user_id, u.email, u.name, i.role,"
        " u.password_hash IS NOT NULL AS known FROM invitations i"
        " JOIN users u ON u.id = i.user_id AND u.disabled_at IS NULL"
        " JOIN organizations o ON o.id = i.org_id AND o.disabled_at IS NULL"
        " WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.expires_at > now()",
        digest(token),
    )
    if row is None:
        raise Missing(
            "This invitation is no longer valid.",
            code="INVITATION_OVER",
            details={"advice": "It was used already or is older than seven days. Ask for a new one."},
        )
    return Invitation(**dict(row))


async def accept(scope: Scope, token: str, *, name: str, password: str) -> Invitation:
    """Join the organization, choosing a password or, for a known user, proving the one they have.

    In the caller's platform transaction, so a link opened twice at once is used once.
    Raises `Missing`, `Invalid` by field, `Conflict` when the user is already a member with another role.
    """
    # Whoever opens the same link at the same moment waits here, and then finds it used.
    await scope.sql.execute("SELECT 1 FROM invitations WHERE token_hash = $1 FOR UPDATE", digest(token))
    found = await find(scope, token)
    if found.known:
        stored = await scope.sql.fetchval("SELECT password_hash FROM users WHERE id = $1", found.user_id)
        if not await verify_password(stored, password):
            raise Invalid("The password is not right.", {"password": "is not the password of your account"})
    else:
        if not 1 <= len(name.strip()) <= 200:
            raise Invalid("Your name is missing.", {"name": "must have 1 to 200 characters"})
        check_policy(password, email=found.email)
        await scope.sql.execute(
            "UPDATE users SET password_hash = $2, name = $3, must_change_password = false WHERE id = $1",
            found.user_id,
            await hash_password(password),
            name.strip(),
        )
    joined = await scope.sql.fetchval(
        "INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, $3)"
        " ON CONFLICT (org_id, user_id) DO UPDATE SET role = memberships.role RETURNING role",
        found.org_id,
        found.user_id,
        found.role,
    )
    if joined != found.role:
        raise Conflict(f"You already belong to {found.organization} as {joined}.", code="ALREADY_MEMBER")
    await scope.sql.execute("UPDATE invitations SET accepted_at = now() WHERE id = $1", found.id)
    return found
