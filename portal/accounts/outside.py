"""Tokens of an outside issuer (Supabase, Clerk): RS256 or ES256 by its published keys, mapped to a user of ours."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt
import structlog
from jwt import PyJWK

from portal.accounts.access_tokens import LEEWAY, expired, invalid
from portal.foundation.errors import ConnectorError, DependencyAway, NotAllowed
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, platform

_ALGORITHMS = ("RS256", "ES256")
_REFETCH = 60.0  # seconds between fetches, whatever key ids strangers invent
_KEPT = 3600.0
_log = structlog.get_logger("portal.accounts")


@dataclass(frozen=True, slots=True)
class OutsideClaims:
    """What a verified outside token says. `email` only when its issuer has verified it."""

    issuer: str
    subject: str
    email: str
    org_id: UUID | None
    exp: float


@dataclass(slots=True)
class Jwks:
    """The issuer's keys by id, fetched when needed and at most once a minute."""

    rt: Runtime
    keys: dict[str, PyJWK] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verify(self, token: str) -> OutsideClaims:
        """The claims. Raises `Unauthenticated`, or `DependencyAway` when the keys cannot be had at all."""
        settings = self.rt.settings
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in _ALGORITHMS:
                raise invalid()
            key = await self._key(str(header.get("kid", "")))
            if key is None or key.algorithm_name != header["alg"]:
                raise invalid()
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                issuer=settings.jwks_issuer,
                audience=settings.jwks_audience or None,
                leeway=LEEWAY,
                options={"require": ["iss", "exp", "sub"], "verify_aud": bool(settings.jwks_audience)},
            )
            return _read(claims)
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise invalid() from None

    async def _key(self, kid: str) -> PyJWK | None:
        if kid in self.keys and time.monotonic() - self.fetched_at < _KEPT:
            return self.keys[kid]
        async with self.lock:
            if time.monotonic() - self.fetched_at >= _REFETCH:
                await self._fetch()
        return self.keys.get(kid)

    async def _fetch(self) -> None:
        self.fetched_at = time.monotonic()
        try:
            reply = await self.rt.outbound.request(
                "GET", self.rt.settings.jwks_url, headers={"Accept": "application/json"}, timeout=10, max_bytes=256_000
            )
            if reply.status != 200:
                raise ValueError(f"status {reply.status}")
            found = {
                entry["kid"]: entry for entry in json.loads(reply.body)["keys"] if entry.get("use", "sig") == "sig"
            }
        except (ConnectorError, ValueError, KeyError, TypeError) as error:
            _log.warning("jwks_fetch_failed", error=str(error)[:200], known=len(self.keys))
            if not self.keys:
                raise DependencyAway("The outside issuer's keys cannot be fetched right now.") from error
            return  # keys we know stay good while their issuer is away
        self.keys = {kid: key for kid, entry in found.items() if (key := _usable(entry)) is not None}


async def user_of(rt: Runtime, claims: OutsideClaims) -> UUID:
    """Our user behind an outside identity, linked by subject, at first by verified e-mail. Raises `Unauthenticated`."""
    async with platform(rt.database, "map outside identity") as scope:
        user_id: UUID | None = await scope.sql.fetchval(
            "SELECT id FROM users WHERE external_issuer = $1 AND external_subject = $2", claims.issuer, claims.subject
        )
        user_id = user_id or await _link(scope, claims)
    if user_id is None:
        raise invalid("This identity is not known to the portal; ask for an invitation.")
    return user_id


def not_a_member() -> NotAllowed:
    """403: a good token that names an organization its user does not belong to."""
    return NotAllowed("The token's org_id is not an organization of its user.", code="ORG_MISMATCH")


async def _link(scope: Scope, claims: OutsideClaims) -> UUID | None:
    if not claims.email:
        return None
    user_id: UUID | None = await scope.sql.fetchval(
        "UPDATE users SET external_issuer = $1, external_subject = $2"
        " WHERE email = $3 AND external_subject IS NULL AND disabled_at IS NULL RETURNING id",
        claims.issuer,
        claims.subject,
        claims.email,
    )
    return user_id


def _usable(entry: dict[str, Any]) -> PyJWK | None:
    try:
        key = PyJWK.from_dict(entry)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in _ALGORITHMS else None


def _read(claims: dict[str, Any]) -> OutsideClaims:
    """`org_id` at the top (Clerk) or in `app_metadata` (Supabase, which only its service role may write)."""
    metadata = claims.get("app_metadata")
    org = claims.get("org_id") or (metadata.get("org_id") if isinstance(metadata, dict) else None)
    verified = claims.get("email_verified") is True
    return OutsideClaims(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        email=str(claims.get("email", "")).lower() if verified else "",
        org_id=UUID(org) if org else None,
        exp=float(claims["exp"]),
    )
