"""Who is asking: one principal per request, whatever it signed in with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from portal.foundation.errors import BadRequest, NotAllowed

Via = Literal["session", "token", "api_key", "external"]


@dataclass(frozen=True, slots=True)
class Principal:
    """`org_id` is the active organization, `role` the role there (`superadmin` everywhere for the agency).

    `session_id` is the browser session, the sign-in a token came from, or the API key. `scopes` None: not limited.
    """

    user_id: UUID | None
    email: str
    name: str
    role: str
    org_id: UUID | None
    via: Via
    session_id: UUID | None
    scopes: frozenset[str] | None = None
    csrf_token: str = ""

    @property
    def org(self) -> UUID:
        """The active organization. Raises `BadRequest` for a superadmin without one, `NotAllowed` for a bare token."""
        if self.org_id is not None:
            return self.org_id
        if self.role == "superadmin":
            raise BadRequest(
                "Choose an organization first.",
                code="CHOOSE_ORGANIZATION",
                details={"advice": "Enter a client, or name it in the x-org-id header."},
            )
        raise NotAllowed("The token lacks the required org_id claim.", code="ORG_REQUIRED")

    @property
    def limit_key(self) -> str:
        """What rate limits are counted by."""
        return f"u:{self.user_id or self.session_id}"

    @property
    def read_only(self) -> bool:
        """An operator's transactions are read-only, enforced by PostgreSQL."""
        return self.role == "operator"

    @property
    def is_superadmin(self) -> bool:
        return self.role == "superadmin"


@dataclass(frozen=True, slots=True)
class Place:
    """An organization that a user belongs to, and the role there."""

    org_id: UUID
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What was read of a principal: kept for some seconds, dropped at once when something of it changes."""

    principal: Principal
    places: tuple[Place, ...] = ()
    organization: str = ""
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A live user and where they belong, the oldest membership first."""

    user_id: UUID
    email: str
    is_superadmin: bool
    must_change_password: bool
    places: tuple[Place, ...]

    @property
    def belongs(self) -> bool:
        """Whether there is anything to sign in to."""
        return self.is_superadmin or bool(self.places)

    def role_in(self, org_id: UUID | None) -> str | None:
        """The role in an organization, None when they do not belong there."""
        if self.is_superadmin:
            return "superadmin"
        return next((place.role for place in self.places if place.org_id == org_id), None)
