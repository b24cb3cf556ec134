"""Random secrets that are shown once and stored as hashes, and the keys that sign what we hand out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from portal.foundation.keyring import derive, master_keys
from portal.foundation.settings import Settings


def new_secret(prefix: str = "") -> str:
    """256 random bits as text after `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so a plain sha256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Keys derived from the master keys; the first of each signs, all verify."""

    tokens: dict[str, bytes]
    cookies: tuple[str, ...]
    forms: bytes

    @property
    def current(self) -> tuple[str, bytes]:
        """The key id and key that sign access tokens now."""
        return next(iter(self.tokens.items()))


_made: dict[str, SigningKeys] = {}


def signing_keys(settings: Settings) -> SigningKeys:
    """The keys of these settings (derived once per process)."""
    made = _made.get(settings.master_keys)
    if made is None:
        masters = master_keys(settings)
        tokens = [derive(master, "access-tokens") for master in masters]
        made = _made[settings.master_keys] = SigningKeys(
            tokens={hashlib.sha256(key).hexdigest()[:8]: key for key in tokens},
            cookies=tuple(derive(master, "session-cookies").hex() for master in masters),
            forms=derive(masters[0], "csrf"),
        )
    return made


@lru_cache(maxsize=4096)
def form_token(key: bytes, what: str | UUID) -> str:
    """The CSRF token that belongs to a session, or to an anonymous browser's cookie."""
    return base64.urlsafe_b64encode(hmac.digest(key, f"csrf:{what}".encode(), "sha256")).decode().rstrip("=")
