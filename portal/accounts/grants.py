"""Access and refresh tokens: for a password, for a refresh token, and their end."""

from __future__ import annotations

from uuid import UUID

from portal.accounts import access_tokens, refresh_tokens, sessions
from portal.accounts.audited import audited
from portal.accounts.principal import Person, Principal
from portal.accounts.schemas import TokenAnswer
from portal.accounts.sign_in import check_password
from portal.accounts.standing import person
from portal.foundation.errors import NotAllowed, Unauthenticated
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, platform


async def password_grant(rt: Runtime, email: str, password: str, org_id: UUID | None, *, address: str) -> TokenAnswer:
    """Tokens for a password. Raises as `check_password`; `NotAllowed` for another's organization or a forced change."""
    who = await check_password(rt, email, password, address=address)
    async with platform(rt.database, "issue tokens") as scope:
        answer = await tokens_for(rt, scope, who, org_id)
        here = Principal(who.user_id, who.email, who.email, answer.role, answer.org_id, "token", None)
        await audited(scope, here, "token.issued", org_id=answer.org_id)
    return answer


async def refresh_grant(rt: Runtime, secret: str, org_id: UUID | None) -> TokenAnswer:
    """The next tokens for a refresh token. A used one revokes its whole family. Raises `Unauthenticated`."""
    answer: TokenAnswer | None = None
    async with platform(rt.database, "refresh tokens") as scope:
        spent = await refresh_tokens.spend(scope, secret)
        who = await person(scope, spent.user_id) if spent.user_id and not spent.reused else None
        if spent.reused:
            reused = Principal(spent.user_id, "", "token holder", "none", None, "token", spent.family)
            await audited(scope, reused, "token.reused", target=str(spent.family))
        elif who is not None and who.belongs:
            wanted = org_id or (spent.active_org if who.role_in(spent.active_org) else None)
            answer = await tokens_for(rt, scope, who, wanted, family=spent.family)
    # Refused only now: the revocation above must be committed.
    if spent.reused:
        await sessions.tell(rt, spent.user_id, "signed_out", session_id=spent.family)
        raise Unauthenticated(
            "This refresh token was used before; whoever holds its successors was signed out.", code="REFRESH_REUSED"
        )
    if answer is None:
        raise Unauthenticated("The refresh token is not valid.", code="INVALID_GRANT")
    return answer


async def revoke_refresh_token(rt: Runtime, secret: str) -> None:
    """End the sign-in of a refresh token. Says nothing of unknown ones (RFC 7009)."""
    async with platform(rt.database, "revoke tokens") as scope:
        found = await refresh_tokens.family_of(scope, secret)
        if found is not None:
            await refresh_tokens.revoke_family(scope, found[0])
    if found is not None:
        await sessions.tell(rt, found[1], "signed_out", session_id=found[0])


async def revoke_sign_in(rt: Runtime, who: Principal) -> None:
    """End the sign-in that an access token came from."""
    if who.via != "token" or who.session_id is None:
        raise NotAllowed("Send the refresh token to revoke, or an access token of the portal's own.")
    async with platform(rt.database, "revoke tokens") as scope:
        await refresh_tokens.revoke_family(scope, who.session_id)
    await sessions.tell(rt, who.user_id, "signed_out", session_id=who.session_id)


async def tokens_for(
    rt: Runtime, scope: Scope, who: Person, org_id: UUID | None, *, family: UUID | None = None
) -> TokenAnswer:
    """Tokens in a platform scope. `org_id` None: the first organization, for a superadmin none. Raises `NotAllowed`."""
    if who.must_change_password:
        raise NotAllowed(
            "Change your password first.",
            code="PASSWORD_CHANGE_REQUIRED",
            details={"advice": f"Sign in at {rt.settings.base_url}/login."},
        )
    if org_id is None and not who.is_superadmin:
        org_id = who.places[0].org_id
    role = who.role_in(org_id)
    if role is None or (who.is_superadmin and org_id is not None and not await _exists(scope, org_id)):
        raise NotAllowed("You do not belong to that organization.", code="ORG_MISMATCH")
    days = rt.settings.refresh_token_days
    family, refresh = await refresh_tokens.begin(scope, user_id=who.user_id, org_id=org_id, days=days, family=family)
    access, seconds = access_tokens.issue(
        rt.settings, user_id=who.user_id, org_id=org_id, role=role, sid=family, now=rt.clock()
    )
    return TokenAnswer(access_token=access, expires_in=seconds, refresh_token=refresh, org_id=org_id, role=role)


async def _exists(scope: Scope, org_id: UUID) -> bool:
    return bool(await scope.sql.fetchval("SELECT 1 FROM organizations WHERE id = $1 AND disabled_at IS NULL", org_id))
