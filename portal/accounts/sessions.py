"""Browser sessions: a random secret in the cookie, its hash in the table, revocable one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from portal.accounts.secrets import digest, new_secret
from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope

EVERYWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of the session list. `current` is the one that asks."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    device: str
    address: str
    current: bool


async def open_session(
    scope: Scope, *, user_id: UUID, active_org: UUID | None, days: int, user_agent: str = "", address: str = ""
) -> tuple[UUID, str]:
    """A new session for `days` days: its id and the secret for the cookie."""
    secret = new_secret()
    session_id: UUID = await scope.sql.fetchval(
        "INSERT INTO sessions (token_hash, user_id, active_org, expires_at, user_agent, address)"
        " VALUES ($1, $2, $3, now() + $4::interval, $5, $6) RETURNING id",
        digest(secret),
        user_id,
        active_org,
        timedelta(days=days),
        user_agent[:400],
        address[:100],
    )
    return session_id, secret


async def list_sessions(scope: Scope, user_id: UUID, current: UUID | None) -> list[OpenSession]:
    """The user's open sessions, the last used first."""
    rows = await scope.sql.fetch(
        "SELECT id, created_at, last_seen_at, user_agent, address FROM sessions"
        " WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY last_seen_at DESC LIMIT 200",
        user_id,
    )
    return [_line(row, current) for row in rows]


async def close_session(scope: Scope, user_id: UUID, session_id: UUID) -> bool:
    """Revoke one session of the user; False when there is none such. Publish `signed_out` after commit."""
    return bool(
        await scope.sql.fetchval(
            "UPDATE sessions SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id",
            session_id,
            user_id,
        )
    )


async def close_all(scope: Scope, user_id: UUID, *, except_session: UUID | None = None) -> int:
    """Revoke every session and token of the user; gives how many sessions. Publish `signed_out` after commit."""
    closed = await scope.sql.fetch(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL"
        " AND id IS DISTINCT FROM $2 RETURNING id",
        user_id,
        except_session,
    )
    await scope.sql.execute(
        "UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL", user_id
    )
    return len(closed)


async def activate_organization(scope: Scope, session_id: UUID, org_id: UUID | None) -> None:
    """Make an organization the session's active one; the caller has checked that the user may."""
    await scope.sql.execute("UPDATE sessions SET active_org = $2 WHERE id = $1", session_id, org_id)


async def tell(rt: Runtime, user_id: UUID | None, reason: str, *, session_id: UUID | None = None) -> None:
    """Tell every process that what it remembers of this user is no longer true. After the commit.

    `reason` is `signed_out` or `role_changed`; `session_id` None: all of the user's sessions and tokens.
    """
    user, session = (str(each) if each else None for each in (user_id, session_id))
    payload = {"user_id": user, "session_id": session, "reason": reason}
    await rt.bus.publish(Event(org_id=EVERYWHERE, kind="auth", version=0, payload=payload))


def _line(row: Mapping[str, Any], current: UUID | None) -> OpenSession:
    device = _device(row["user_agent"])
    return OpenSession(row["id"], row["created_at"], row["last_seen_at"], device, row["address"], row["id"] == current)


def _device(user_agent: str) -> str:
    """`Firefox on Linux`: enough to recognise one's own."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
    systems = (
        *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
        *(("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
    )
    name = next((name for sign, name in names if sign in user_agent), "")
    system = next((system for sign, system in systems if sign in user_agent), "")
    if name and system:
        return f"{name} on {system}"
    return name or system or user_agent.partition(" ")[0][:60] or "Unknown device"
