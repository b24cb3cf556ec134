"""`x-org-id`: it may narrow, never widen. For a superadmin, who belongs nowhere, it names the client to act for."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

from portal.accounts.audited import audited
from portal.accounts.principal import Standing
from portal.accounts.standing import organization_name
from portal.foundation.errors import BadRequest, Missing, NotAllowed
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant

_KEPT = 5.0
_AUDITED_EVERY = 900.0  # seconds: one entry per visit, not per request
_MOST = 5_000


class Narrowing:
    """Of one app: remembers organizations' names for some seconds, and which visits are in the trail."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._names: dict[UUID, tuple[float, str]] = {}
        self._visits: dict[tuple[UUID | None, UUID], float] = {}

    async def apply(self, standing: Standing, named: str) -> Standing:
        """The standing in the named organization. Raises `NotAllowed` on a mismatch, `Missing`, `BadRequest`."""
        who = standing.principal
        try:
            org_id = UUID(named.strip())
        except ValueError:
            if who.is_superadmin:
                raise BadRequest("x-org-id is not an organization's id.", details={"header": "x-org-id"}) from None
            org_id = UUID(int=0)
        if org_id == who.org_id:
            return standing
        if not who.is_superadmin:
            raise NotAllowed("x-org-id is not the organization of your credentials.", code="ORG_MISMATCH")
        name = await self._name(org_id)
        if name is None:
            raise Missing("There is no such organization.")
        await self._audit_visit(standing, org_id)
        return replace(standing, principal=replace(who, org_id=org_id), organization=name)

    async def _name(self, org_id: UUID) -> str | None:
        read_at, name = self._names.get(org_id, (0.0, ""))
        if name and time.monotonic() - read_at < _KEPT:
            return name
        found = await organization_name(self._rt.database, org_id)
        if found is not None:
            if len(self._names) >= _MOST:
                self._names.clear()
            self._names[org_id] = (time.monotonic(), found)
        return found

    async def _audit_visit(self, standing: Standing, org_id: UUID) -> None:
        visit, now = (standing.principal.user_id, org_id), time.monotonic()
        if now - self._visits.get(visit, float("-inf")) < _AUDITED_EVERY:
            return
        if len(self._visits) >= _MOST:
            self._visits.clear()
        self._visits[visit] = now

        async with tenant(self._rt.database, org_id) as scope:
            await audited(scope, standing.principal, "organization.visited", after={"by": "x-org-id"})
