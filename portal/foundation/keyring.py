"""The installation's master keys, and keys derived from them for one purpose each."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.foundation.errors import StartupError
from portal.foundation.settings import Settings

_WRONG = (
    "PORTAL_MASTER_KEYS is not right: it should be base64 of 32 random bytes, several separated by commas "
    "(`portal keys generate` makes one)"
)


def master_keys(settings: Settings) -> tuple[bytes, ...]:
    """The master keys, the current one first. Raises `StartupError` naming the variable, never the value."""
    keys: list[bytes] = []
    for text in filter(None, (part.strip() for part in settings.master_keys.split(","))):
        try:
            key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        except binascii.Error as error:
            raise StartupError(_WRONG) from error
        if len(key) != 32:
            raise StartupError(_WRONG)
        keys.append(key)
    if not keys:
        raise StartupError(_WRONG)
    return tuple(keys)


def derive(master: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869), so that no two uses ever share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"portal:{purpose}".encode()).derive(master)
