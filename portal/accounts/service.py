"""Users and memberships: what can be done with them. All need a platform scope (identities cross tenants)."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import asyncpg

from portal.accounts import sessions
from portal.accounts.emails import normal_email
from portal.accounts.invitations import Role, invite
from portal.accounts.passwords import check_policy, hash_password
from portal.foundation.errors import Conflict, Invalid, Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, platform

__all__ = [
    "ROLES",
    "create_user",
    "email_exists",
    "find_user",
    "invite",
    "remove_membership",
    "revoke_sessions",
    "set_membership",
    "set_password",
]

ROLES: tuple[str, ...] = get_args(Role)


async def create_user(
    scope: Scope,
    *,
    email: str,
    name: str = "",
    password: str | None = None,
    is_superadmin: bool = False,
    must_change_password: bool = False,
) -> UUID:
    """A new user; without a password only an invitation lets them in.

    Raises `Invalid` by field, `Conflict` when the e-mail address is taken.
    """
    address = normal_email(email)
    if len(name) > 200:
        raise Invalid("The name is too long.", {"name": "must have at most 200 characters"})
    hashed = None
    if password is not None:
        check_policy(password, email=address)
        hashed = await hash_password(password)
    try:
        async with scope.sql.transaction():
            user_id: UUID = await scope.sql.fetchval(
                "INSERT INTO users (email, name, password_hash, is_superadmin, must_change_password)"
                " VALUES ($1, $2, $3, $4, $5) RETURNING id",
                address,
                name.strip(),
                hashed,
                is_superadmin,
                must_change_password,
            )
    except asyncpg.UniqueViolationError:
        raise Conflict(
            "There is already a user with this e-mail address.", code="EMAIL_TAKEN", details={"field": "email"}
        ) from None
    return user_id


async def find_user(scope: Scope, email: str) -> UUID | None:
    """The user of an e-mail address, None when there is none."""
    user_id: UUID | None = await scope.sql.fetchval("SELECT id FROM users WHERE email = $1", normal_email(email))
    return user_id


async def email_exists(rt: Runtime, email: str) -> bool:
    """Whether there is a user with this address. Raises `Invalid` when it is none."""
    async with platform(rt.database, "look up an e-mail address", read_only=True) as scope:
        return await find_user(scope, email) is not None


async def set_password(scope: Scope, user_id: UUID, password: str, *, must_change: bool = False) -> None:
    """Set a password without knowing the old one (the command line, the demo). Raises `Invalid`, `Missing`."""
    email = await scope.sql.fetchval("SELECT email FROM users WHERE id = $1", user_id)
    if email is None:
        raise Missing("There is no such user.")
    check_policy(password, email=email)
    await scope.sql.execute(
        "UPDATE users SET password_hash = $2, must_change_password = $3 WHERE id = $1",
        user_id,
        await hash_password(password),
        must_change,
    )


async def set_membership(scope: Scope, org_id: UUID, user_id: UUID, role: str) -> None:
    """Make the user a member with this role, or change the role. Tell `role_changed` after commit. Raises `Invalid`."""
    if role not in ROLES:
        raise Invalid("There is no such role.", {"role": f"must be one of: {', '.join(ROLES)}"})
    await scope.sql.execute(
        "INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, $3)"
        " ON CONFLICT (org_id, user_id) DO UPDATE SET role = excluded.role",
        org_id,
        user_id,
        role,
    )


async def remove_membership(scope: Scope, org_id: UUID, user_id: UUID) -> None:
    """End a membership. The last owner stays. Tell `role_changed` after commit. Raises `Missing`, `Conflict`."""
    owners = await scope.sql.fetch(
        "SELECT user_id FROM memberships WHERE org_id = $1 AND role = 'owner' FOR UPDATE", org_id
    )
    if [row["user_id"] for row in owners] == [user_id]:
        raise Conflict("The last owner cannot be removed; make somebody else an owner first.", code="LAST_OWNER")
    removed = await scope.sql.fetchval(
        "DELETE FROM memberships WHERE org_id = $1 AND user_id = $2 RETURNING user_id", org_id, user_id
    )
    if removed is None:
        raise Missing("There is no such member.")


async def revoke_sessions(rt: Runtime, user_id: UUID, *, except_session: UUID | None = None) -> int:
    """Sign the user out everywhere: sessions, refresh and access tokens, live pages. Gives how many sessions ended."""
    async with platform(rt.database, "sign out everywhere") as scope:
        closed = await sessions.close_all(scope, user_id, except_session=except_session)
    await sessions.tell(rt, user_id, "signed_out")
    return closed
