"""An access token from the command line, for scripts on the machine that runs the portal."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from portal.accounts import access_tokens, refresh_tokens, service
from portal.accounts.standing import user_standing
from portal.audit import trail
from portal.foundation.errors import Missing, NotAllowed
from portal.foundation.settings import Settings
from portal.tenancy.scope import Scope


async def issue_for(scope: Scope, settings: Settings, email: str, org_id: UUID | None) -> str:
    """A token of this user in `org_id` (a member's first organization when None; a superadmin needs none).

    It belongs to a sign-in of its own, so "sign out everywhere" ends it, and it is audited. Needs a platform scope.
    Raises `Missing` for an unknown user, `NotAllowed` for an organization the user is not in.
    """
    user_id = await service.find_user(scope, email)
    standing = await user_standing(scope, user_id) if user_id is not None else None
    if user_id is None or standing is None:
        raise Missing(f"There is no user {email}: `portal user create` makes one.")
    is_superadmin, places = standing[0], standing[1]
    if org_id is None and not is_superadmin and places:
        org_id = places[0].org_id
    role = next((place.role for place in places if place.org_id == org_id), None)
    if is_superadmin:
        role = "superadmin"
    if role is None:
        raise NotAllowed(f"{email} does not belong to that organization.")
    family, _ = await refresh_tokens.begin(scope, user_id=user_id, org_id=org_id, days=1)
    token, _ = access_tokens.issue(
        settings, user_id=user_id, org_id=org_id, role=role, sid=family, now=datetime.now(UTC)
    )
    await trail.record(
        scope, actor="portal token", actor_id=user_id, role=role, action="token.issue", target=email, org_id=org_id
    )
    return token
