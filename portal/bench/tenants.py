"""Organizations to measure with, and somebody who may ask for their figures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from portal.accounts import access_tokens, refresh_tokens
from portal.accounts.service import create_user, set_membership
from portal.foundation.database import Database
from portal.foundation.runtime import utc_now
from portal.foundation.settings import Settings
from portal.tenancy.scope import platform
from portal.tenancy.service import create_organization


@dataclass(frozen=True)
class Client:
    """An organization with an owner and the owner's access token."""

    org_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def make_organizations(database: Database, count: int) -> list[UUID]:
    """`count` new organizations."""
    async with platform(database, "bench") as scope:
        return [await create_organization(scope, name=f"Bench {number:04}") for number in range(count)]


async def make_client(database: Database, settings: Settings) -> Client:
    """A new organization whose owner holds a token for the whole run, as `POST /api/auth/token` gives it."""
    (org_id,) = await make_organizations(database, 1)
    async with platform(database, "bench") as scope:
        user_id = await create_user(scope, email=f"bench-{uuid4().hex[:8]}@example.com", name="Bench")
        await set_membership(scope, org_id, user_id, "owner")
        family, _ = await refresh_tokens.begin(scope, user_id=user_id, org_id=org_id, days=1)
    token, _ = access_tokens.issue(settings, user_id=user_id, org_id=org_id, role="owner", sid=family, now=utc_now())
    return Client(org_id, token)
