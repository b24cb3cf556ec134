"""An access token from the command line, for scripts on the machine that runs the portal."""

from __future__ import annotations

from uuid import UUID

from portal.accounts import service
from portal.accounts.grants import tokens_for
from portal.accounts.standing import person
from portal.audit import trail
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope


async def issue_for(rt: Runtime, scope: Scope, email: str, org_id: UUID | None) -> str:
    """A token of this user in `org_id` (a member's first organization when None; a superadmin needs none).

    It belongs to a sign-in of its own, so "sign out everywhere" ends it, and it is audited. Needs a platform scope.
    Raises `Missing` for an unknown user, `NotAllowed` for an organization the user is not in.
    """
    user_id = await service.find_user(scope, email)
    who = await person(scope, user_id) if user_id is not None else None
    if who is None or not who.belongs:
        raise Missing(f"There is no user {email} who may sign in: `portal user create` makes one.")
    issued = await tokens_for(rt, scope, who, org_id)
    await trail.record(
        scope,
        actor="portal token",
        actor_id=who.user_id,
        role=issued.role,
        action="token.issued",
        target=email,
        org_id=issued.org_id,
    )
    return issued.access_token
