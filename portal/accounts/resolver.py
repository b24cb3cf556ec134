"""One resolver: a request's credentials become one standing, from memory when they were seen a moment ago.

An explicit `Authorization` header wins over the cookie, which browsers add by themselves; a bad one is refused even
beside a good cookie. What is kept: verified claims until they expire, and what the database says of them for at most
five seconds (two while the bus is cut). News on the bus (`auth`) drops a user's entries at once; a reading that was
under way when the news came is used once and not kept.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

import jwt
from quart_auth import QuartAuth

from portal.accounts import access_tokens, api_keys, outside
from portal.accounts.principal import Standing
from portal.accounts.secrets import digest, signing_keys
from portal.accounts.standing import session_standing, token_standing
from portal.foundation.bus import Event
from portal.foundation.errors import Unauthenticated
from portal.foundation.runtime import Runtime

FRESH, FRESH_ALONE = 5.0, 2.0  # seconds
_MOST = 20_000
_LONGEST = 8_192  # characters of a credential


@dataclass(slots=True)
class _Entry:
    standing: Standing
    read_at: float  # monotonic
    ends: float  # epoch seconds
    claims: access_tokens.Claims | None = None


class Resolver:
    """Of one app. `resolve_*` give a standing, None (no such session), or raise `Unauthenticated`."""

    def __init__(self, rt: Runtime, cookies: QuartAuth) -> None:
        self._rt, self._cookies = rt, cookies
        self._kept: OrderedDict[str, _Entry] = OrderedDict()
        self._epoch = 0
        self._outside = outside.Jwks(rt)
        self._forms_key = signing_keys(rt.settings).forms

    def listen(self) -> None:
        """Begin to hear of sign-outs and role changes; needs the running loop."""
        self._rt.bus.subscribe(self._on_event, self._on_gap)

    def peek(self, credential: str) -> Standing | None:
        """The standing of a cookie's or bearer's text if it is fresh in memory. Costs about a microsecond."""
        entry = self._kept.get(credential)
        if entry is None or not self._fresh(entry):
            return None
        return entry.standing

    async def resolve_cookie(self, cookie: str) -> Standing | None:
        """The standing of a session cookie, None when it is forged, over or revoked."""
        if (known := self.peek(cookie)) is not None:
            return known
        secret = self._cookies.load_token(cookie) if len(cookie) <= _LONGEST else None
        if secret is None:
            return None
        epoch = self._epoch
        found = await session_standing(self._rt.database, digest(secret), self._forms_key)
        if found is None:
            self._kept.pop(cookie, None)
            return None
        self._keep(cookie, _Entry(found[0], time.monotonic(), found[1]), epoch)
        return found[0]

    async def resolve_bearer(self, token: str) -> Standing:
        """The standing of a JWT or API key. Raises `Unauthenticated`; for outside tokens also `NotAllowed`."""
        if (known := self.peek(token)) is not None:
            return known
        if len(token) > _LONGEST:
            raise access_tokens.invalid()
        if token.startswith(api_keys.PREFIX):
            return await self._api_key(token)
        if self._from_outside(token):
            return await self._outside_token(token)
        return await self._own_token(token)

    def forget(self, user_id: UUID | None, session_id: UUID | None = None) -> None:
        """Drop what is kept of a user, or of one session, sign-in or key."""
        self._epoch += 1
        gone = [
            credential
            for credential, entry in self._kept.items()
            if (entry.standing.principal.session_id == session_id)
            or (session_id is None and entry.standing.principal.user_id == user_id)
        ]
        for credential in gone:
            del self._kept[credential]

    def forget_all(self) -> None:
        """Drop everything: news may have been missed."""
        self._epoch += 1
        self._kept.clear()

    async def _own_token(self, token: str) -> Standing:
        entry = self._kept.get(token)
        claims = entry.claims if entry and entry.claims else access_tokens.verify(self._rt.settings, token)
        if claims.exp + access_tokens.LEEWAY <= time.time():
            self._kept.pop(token, None)
            raise access_tokens.expired()
        epoch = self._epoch
        found = await token_standing(self._rt.database, claims.user_id, claims.org_id, "token", claims.sid)
        if found is None:
            self._kept.pop(token, None)
            raise access_tokens.invalid("The token was revoked.")
        ends = claims.exp + access_tokens.LEEWAY
        self._keep(token, _Entry(found, time.monotonic(), ends, claims), epoch)
        return found

    async def _outside_token(self, token: str) -> Standing:
        claims = await self._outside.verify(token)
        user_id = await outside.user_of(self._rt, claims)
        epoch = self._epoch
        found = await token_standing(self._rt.database, user_id, claims.org_id, "external", None)
        if found is None:
            raise outside.not_a_member()
        self._keep(token, _Entry(found, time.monotonic(), claims.exp + access_tokens.LEEWAY), epoch)
        return found

    async def _api_key(self, secret: str) -> Standing:
        epoch = self._epoch
        found = await api_keys.key_standing(self._rt.database, secret)
        if found is None:
            self._kept.pop(secret, None)
            raise access_tokens.invalid("The API key is not valid, has expired or was revoked.")
        self._keep(secret, _Entry(found[0], time.monotonic(), found[1]), epoch)
        return found[0]

    def _from_outside(self, token: str) -> bool:
        settings = self._rt.settings
        if not (settings.jwks_url and settings.jwks_issuer):
            return False
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, ValueError):
            raise access_tokens.invalid() from None
        return bool(claims.get("iss") == settings.jwks_issuer)

    def _fresh(self, entry: _Entry) -> bool:
        age = time.monotonic() - entry.read_at
        if age > FRESH_ALONE and (age > FRESH or not self._rt.bus.listening):
            return False
        return entry.ends > time.time()

    def _keep(self, credential: str, entry: _Entry, epoch: int) -> None:
        if epoch != self._epoch:
            return
        self._kept[credential] = entry
        self._kept.move_to_end(credential)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    async def _on_event(self, event: Event) -> None:
        if event.kind != "auth":
            return
        user, session = event.payload.get("user_id"), event.payload.get("session_id")
        self.forget(UUID(user) if user else None, UUID(session) if session else None)

    async def _on_gap(self) -> None:
        self.forget_all()


def bearer_of(authorization: str) -> str:
    """The token of an `Authorization` header. Raises `Unauthenticated` for any other scheme or shape."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        raise Unauthenticated(
            "Send the header as: Authorization: Bearer <token>.",
            code="INVALID_TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="portal", error="invalid_request"'},
        )
    return token
