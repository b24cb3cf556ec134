"""The JWT that the portal issues: HS256 and nothing else, every claim checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import jwt

from portal.accounts.secrets import signing_keys
from portal.foundation.errors import Unauthenticated
from portal.foundation.settings import Settings

AUDIENCE = "portal-api"
LEEWAY = 30  # seconds that clocks may differ by
_REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "role", "sid"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says. `sid` is the sign-in (the refresh tokens' family); `exp` epoch seconds."""

    user_id: UUID
    org_id: UUID | None
    role: str
    sid: UUID
    exp: float


def issuer(settings: Settings) -> str:
    """Our `iss`: the installation, not an address, so that it stays right behind another proxy."""
    return f"urn:portal:{settings.installation}"


def issue(
    settings: Settings, *, user_id: UUID, org_id: UUID | None, role: str, sid: UUID, now: datetime
) -> tuple[str, int]:
    """A signed access token and its life in seconds."""
    life = timedelta(minutes=settings.access_token_minutes)
    kid, key = signing_keys(settings).current
    claims = {
        "iss": issuer(settings),
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + life,
        "jti": uuid4().hex,
        "sub": str(user_id),
        "role": role,
        "sid": str(sid),
    }
    if org_id is not None:
        claims["org_id"] = str(org_id)
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": kid}), int(life.total_seconds())


def verify(settings: Settings, token: str) -> Claims:
    """The claims of a token of ours. Raises `Unauthenticated` (expired and invalid have different codes)."""
    try:
        keys = signing_keys(settings).tokens
        key = keys.get(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise invalid()
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=issuer(settings),
            leeway=LEEWAY,
            options={"require": _REQUIRED},
        )
        org = claims.get("org_id")
        return Claims(
            user_id=UUID(claims["sub"]),
            org_id=UUID(org) if org else None,
            role=str(claims["role"]),
            sid=UUID(claims["sid"]),
            exp=float(claims["exp"]),
        )
    except jwt.ExpiredSignatureError:
        raise expired() from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        raise invalid() from None


def invalid(message: str = "The token is not valid.") -> Unauthenticated:
    """401 as RFC 6750 words it; the same for every reason but expiry."""
    return Unauthenticated(
        message,
        code="INVALID_TOKEN",
        headers={"WWW-Authenticate": 'Bearer realm="portal", error="invalid_token"'},
    )


def expired() -> Unauthenticated:
    """401 for a token whose time is over: refresh it."""
    return Unauthenticated(
        "The token has expired.",
        code="TOKEN_EXPIRED",
        headers={
            "WWW-Authenticate": 'Bearer realm="portal", error="invalid_token", error_description="The token has expired"'
        },
    )
