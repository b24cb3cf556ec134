"""Reading a principal's standing: who it is, where it belongs, which organization is active. Identities cross tenants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from portal.accounts.principal import Person, Place, Principal, Standing, Via
from portal.accounts.secrets import form_token
from portal.foundation.database import Database
from portal.tenancy.scope import Scope, platform

_PERSON = """u.id AS user_id, u.email, u.name, u.is_superadmin, u.must_change_password,
  (SELECT coalesce(jsonb_agg(jsonb_build_array(o.id, o.name, m.role) ORDER BY m.created_at, o.name), '[]')
     FROM memberships m JOIN organizations o ON o.id = m.org_id AND o.disabled_at IS NULL
    WHERE m.user_id = u.id) AS places"""
_SEEN_EVERY = timedelta(minutes=1)


async def session_standing(database: Database, token_hash: bytes, forms_key: bytes) -> tuple[Standing, float] | None:
    """The standing of a browser session and when it expires (epoch seconds); None when it is over."""
    async with platform(database, "resolve principal") as scope:
        row = await scope.sql.fetchrow(
            f"""SELECT s.id, s.expires_at, s.last_seen_at < now() - $2::interval AS unseen,
                  s.active_org, a.name AS active_name, {_PERSON}
                FROM sessions s JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
                LEFT JOIN organizations a ON a.id = s.active_org AND a.disabled_at IS NULL
                WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now()""",  # noqa: S608
            token_hash,
            _SEEN_EVERY,
        )
        if row is None:
            return None
        if row["unseen"]:
            await scope.sql.execute("UPDATE sessions SET last_seen_at = now() WHERE id = $1", row["id"])
    active = row["active_org"]
    places = _places(row)
    if active not in {place.org_id for place in places} and not (row["is_superadmin"] and row["active_name"]):
        active = places[0].org_id if places and not row["is_superadmin"] else None
    if active is None and not row["is_superadmin"]:
        return None
    csrf = form_token(forms_key, row["id"])
    found = _standing(row, active, "session", row["id"], csrf=csrf, named=row["active_name"])
    return found, row["expires_at"].timestamp()


async def token_standing(
    database: Database, user_id: UUID, org_id: UUID | None, via: Via, family: UUID | None
) -> Standing | None:
    """The standing behind a verified token; None when its user, membership or sign-in is gone.

    `family` is the sign-in that our own tokens come from; None for an outside issuer's.
    """
    async with platform(database, "resolve principal", read_only=True) as scope:
        row = await scope.sql.fetchrow(
            f"""SELECT a.name AS active_name, {_PERSON} FROM users u
                LEFT JOIN organizations a ON a.id = $2 AND a.disabled_at IS NULL
                WHERE u.id = $1 AND u.disabled_at IS NULL AND ($3::uuid IS NULL OR EXISTS (
                  SELECT 1 FROM refresh_tokens r
                   WHERE r.family = $3 AND r.user_id = u.id AND r.revoked_at IS NULL AND r.expires_at > now()))""",  # noqa: S608
            user_id,
            org_id,
            family,
        )
    if row is None:
        return None
    places = _places(row)
    if row["is_superadmin"]:
        if org_id is not None and row["active_name"] is None:
            return None
    elif not places or (org_id is not None and org_id not in {place.org_id for place in places}):
        return None
    return _standing(row, org_id, via, family, named=row["active_name"])


async def person(scope: Scope, user_id: UUID) -> Person | None:
    """A live user with all places; None when there is no such user. Needs a platform scope."""
    row = await scope.sql.fetchrow(
        f"SELECT {_PERSON} FROM users u WHERE u.id = $1 AND u.disabled_at IS NULL",  # noqa: S608
        user_id,
    )
    if row is None:
        return None
    return Person(row["user_id"], row["email"], row["is_superadmin"], row["must_change_password"], _places(row))


async def organization_name(database: Database, org_id: UUID) -> str | None:
    """The name of a live organization, None when there is none."""
    async with platform(database, "name an organization", read_only=True) as scope:
        name: str | None = await scope.sql.fetchval(
            "SELECT name FROM organizations WHERE id = $1 AND disabled_at IS NULL", org_id
        )
    return name


def _places(row: Mapping[str, Any]) -> tuple[Place, ...]:
    return tuple(Place(UUID(org_id), name, role) for org_id, name, role in json.loads(row["places"]))


def _standing(
    row: Mapping[str, Any], active: UUID | None, via: Via, session_id: UUID | None, *, named: str | None, csrf: str = ""
) -> Standing:
    places = _places(row)
    here = next((place for place in places if place.org_id == active), None)
    role = "superadmin" if row["is_superadmin"] else here.role if here else places[0].role
    who = Principal(
        user_id=row["user_id"],
        email=row["email"],
        name=row["name"] or row["email"],
        role=role,
        org_id=active,
        via=via,
        session_id=session_id,
        csrf_token=csrf,
    )
    organization = here.name if here else (named or "") if active else ""
    return Standing(who, places, organization, row["must_change_password"])
