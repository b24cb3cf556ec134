"""Making a user who is signed in already, by the services rather than the form (argon2 takes its time)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from quart_auth.extension import _AuthSerializer

from portal.accounts import grants, sessions
from portal.accounts.api_keys import create_api_key
from portal.accounts.principal import Person, Place
from portal.accounts.secrets import form_token, signing_keys
from portal.accounts.service import create_user, set_membership
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform

PASSWORD = "a-long-enough-password"


@dataclass(frozen=True)
class Entry:
    """What a Visitor needs."""

    user_id: UUID | None
    password: str
    csrf: str
    headers: dict[str, str]
    cookies: dict[str, str]


@lru_cache(maxsize=1)
def stored_password() -> str:
    """One hash for all users of the tests."""
    return PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1).hash(PASSWORD)


async def admit(
    rt: Runtime,
    *,
    role: str,
    org_id: UUID | None,
    email: str,
    via: str = "session",
    name: str = "",
    must_change_password: bool = False,
    scopes: tuple[str, ...] = ("read",),
) -> Entry:
    """A new user of this role, signed in by `session`, `token` or `api_key` (which has no user)."""
    async with platform(rt.database, "test: admit") as scope:
        if via == "api_key":
            assert org_id is not None
            _, secret = await create_api_key(scope, org_id=org_id, name=email[:100], scopes=scopes)
            return Entry(None, "", "", {"Authorization": f"Bearer {secret}"}, {})
        user_id = await create_user(scope, email=email, name=name, is_superadmin=role == "superadmin")
        await scope.sql.execute(
            "UPDATE users SET password_hash = $2, must_change_password = $3 WHERE id = $1",
            user_id,
            stored_password(),
            must_change_password,
        )
        if role != "superadmin":
            assert org_id is not None
            await set_membership(scope, org_id, user_id, role)
        if via == "token":
            places = () if role == "superadmin" else (Place(org_id, "", role),)
            who = Person(user_id, email, role == "superadmin", False, places)
            answer = await grants.tokens_for(rt, scope, who, org_id)
            return Entry(user_id, PASSWORD, "", {"Authorization": f"Bearer {answer.access_token}"}, {})
        session_id, secret = await sessions.open_session(
            scope, user_id=user_id, active_org=org_id, days=rt.settings.session_days
        )
    keys = signing_keys(rt.settings)
    return Entry(user_id, PASSWORD, form_token(keys.forms, session_id), {}, {"portal_session": cookie(rt, secret)})


def cookie(rt: Runtime, secret: str) -> str:
    """The session cookie's value for a secret."""
    serializer: Any = _AuthSerializer(signing_keys(rt.settings).cookies[0], "portal session")
    return str(serializer.dumps(secret))
