"""Sealing one value under a data key. Layout: version (1), key id (4), nonce (12), ciphertext and tag."""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.foundation.vault.keys import NONCE_BYTES, DataKey, Unsealable

_VERSION = 1
_HEADER_BYTES = 5
_TAG_BYTES = 16


def seal(installation: str, org_id: UUID, field: str, plaintext: str, key: DataKey) -> bytes:
    """Encrypt `plaintext` so that it opens only in this installation, organization and field."""
    header = bytes([_VERSION]) + key.key_id.to_bytes(4, "big")
    nonce = os.urandom(NONCE_BYTES)
    associated = _associated(header, installation, org_id, field)
    return header + nonce + AESGCM(key.secret).encrypt(nonce, plaintext.encode(errors="surrogatepass"), associated)


def open_(installation: str, org_id: UUID, field: str, sealed: bytes, key: DataKey) -> str:
    """The plaintext. Raises Unsealable when a bit was changed or any of the names is another one."""
    if key_id_of(sealed) != key.key_id or key.org_id != org_id:
        raise Unsealable("A credential was sealed under another key.")
    header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES]
    associated = _associated(header, installation, org_id, field)
    try:
        return (
            AESGCM(key.secret)
            .decrypt(nonce, sealed[_HEADER_BYTES + NONCE_BYTES :], associated)
            .decode(errors="surrogatepass")
        )
    except InvalidTag:
        raise Unsealable("A credential cannot be opened: it was changed or moved. Enter it again.") from None


def key_id_of(sealed: bytes) -> int:
    """The id of the data key that sealed it. Raises Unsealable when this is not a sealed value."""
    if len(sealed) < _HEADER_BYTES + NONCE_BYTES + _TAG_BYTES or sealed[0] != _VERSION:
        raise Unsealable("A credential has an unknown format. Enter it again.")
    return int.from_bytes(sealed[1:_HEADER_BYTES], "big")


def reencrypt(installation: str, org_id: UUID, field: str, sealed: bytes, *, old: DataKey, new: DataKey) -> bytes:
    """The same value under another data key. Raises Unsealable."""
    return seal(installation, org_id, field, open_(installation, org_id, field, sealed, old), new)


def _associated(header: bytes, installation: str, org_id: UUID, field: str) -> bytes:
    # Lengths keep "a|b" + "c" apart from "a" + "b|c".
    parts = (header, installation.encode(), org_id.bytes, field.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
