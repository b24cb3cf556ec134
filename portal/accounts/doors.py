"""Entering an organization, and the demo's logins on the sign-in page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from uuid import UUID

from portal.accounts import sessions
from portal.accounts.audited import audited
from portal.accounts.principal import Place, Principal
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope

__all__ = ["DemoLogin", "Place", "demo_logins", "enter"]


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A login that the demo tells everybody."""

    role: str
    email: str
    password: str


async def enter(
    scope: Scope, who: Principal, places: tuple[Place, ...], session_id: UUID, org_id: UUID | None
) -> None:
    """Switch a session's organization, in a platform scope. Raises `Missing`: other people's do not exist."""
    if org_id is None:
        if not who.is_superadmin:
            raise Missing("There is no such organization.")
        if who.org_id is not None:
            await audited(scope, who, "organization.left", org_id=who.org_id)
        await sessions.activate_organization(scope, session_id, None)
        return
    known = any(place.org_id == org_id for place in places)
    if not known and who.is_superadmin:
        known = bool(
            await scope.sql.fetchval("SELECT 1 FROM organizations WHERE id = $1 AND disabled_at IS NULL", org_id)
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
            DemoLogin(role.replace("_", " "), login["email"], login["password"]) for role, login in told["logins"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
