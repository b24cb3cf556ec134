"""Checking an e-mail address and a password: one answer for every failure, equal work, throttled."""

from __future__ import annotations

from uuid import UUID

import structlog

from portal.accounts import throttle
from portal.accounts.emails import as_typed
from portal.accounts.passwords import check_policy, hash_password, needs_rehash, verify_password
from portal.accounts.principal import Person
from portal.accounts.standing import person
from portal.foundation.errors import Invalid, Unauthenticated
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, platform

_log = structlog.get_logger("portal.accounts")


async def check_password(rt: Runtime, email: str, password: str, *, address: str) -> Person:
    """Who this is. Raises `Unauthenticated` (the same whatever is wrong), `TooMany`, or a 503 when flooded."""
    email = as_typed(email)
    await throttle.check(rt.link, email, address)
    async with platform(rt.database, "sign in", read_only=True) as scope:
        row = await scope.sql.fetchrow(
            "SELECT id, password_hash FROM users WHERE email = $1 AND disabled_at IS NULL",
            email,
        )
        who = await person(scope, row["id"]) if row else None
    # Outside the transaction: a slow hash must not hold a connection.
    proved = await verify_password(row["password_hash"] if row else None, password)
    if not (proved and row and who and who.belongs):
        await throttle.failed(rt.link, email, address)
        _log.info("sign_in_failed", address=address, known=row is not None)
        raise Unauthenticated("The e-mail address or the password is not right.", code="INVALID_CREDENTIALS")
    await throttle.succeeded(rt.link, email, address)
    if needs_rehash(row["password_hash"]):
        await _store(rt, row["id"], await hash_password(password), row["password_hash"])
    return who


async def change_password(scope: Scope, user_id: UUID, *, current: str, new: str) -> None:
    """Replace a password in the caller's platform transaction. Raises `Invalid` by field."""
    row = await scope.sql.fetchrow("SELECT email, password_hash FROM users WHERE id = $1 FOR UPDATE", user_id)
    if not await verify_password(row["password_hash"] if row else None, current):
        raise Invalid("The current password is not right.", {"current": "is not your current password"})
    check_policy(new, email=row["email"], field="new")
    if new == current:
        raise Invalid("That is the same password.", {"new": "must differ from the current password"})
    await scope.sql.execute(
        "UPDATE users SET password_hash = $2, must_change_password = false WHERE id = $1",
        user_id,
        await hash_password(new),
    )


async def _store(rt: Runtime, user_id: UUID, fresh: str, old: str) -> None:
    """Newer argon2 parameters, unless the password was changed meanwhile."""
    async with platform(rt.database, "rehash password") as scope:
        await scope.sql.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3", user_id, fresh, old
        )
