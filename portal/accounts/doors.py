"""Entering an organization, and the demo's logins on the sign-in page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from uuid import UUID

from portal.accounts import sessions
from portal.accounts.audited import audited
from portal.accounts.principal import Principal
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A login that the demo tells everybody."""

    role: str
    email: str
    password: str


async def enter(scope: Scope, who: Principal, session_id: UUID, org_id: UUID | None) -> None:
    """Switch a session's organization, in a platform scope. Raises `Missing`: other people's do not exist."""
    if org_id is None:
        if not who.is_superadmin:
            raise Missing("There is no such organization.")
        if who.org_id is not None:
            await audited(scope, who, "organization.left", org_id=who.org_id)
        await sessions.activate_organization(scope, session_id, None)
        return
    # Read anew: a membership of a moment ago counts, one that has ended does not.
    known = await scope.sql.fetchval(
        "SELECT $3 OR EXISTS (SELECT 1 FROM memberships WHERE org_id = o.id AND user_id = $2)"
        " FROM organizations o WHERE o.id = $1 AND o.disabled_at IS NULL",
        org_id,
        who.user_id,
        who.is_superadmin,
    )
    if not known:
        raise Missing("There is no such organization.")
    await sessions.activate_organization(scope, session_id, org_id)
    await audited(scope, who, "organization.entered", org_id=org_id)


async def demo_logins(rt: Runtime) -> list[DemoLogin]:
    """What `portal up --demo` wrote beside its data; nothing outside the demo."""
    if not rt.settings.demo:
        return []
    try:
        told = json.loads(await asyncio.to_thread((rt.settings.data_dir / "demo.json").read_text))
        return [
            DemoLogin(role.replace("_", " "), login["email"], login["password"])
            for role, login in told["logins"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
