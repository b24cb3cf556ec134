"""Master keys of the installation and the data keys that they wrap. Pure functions, no storage."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.foundation.errors import PortalError, StartupError

KEY_BYTES = 32
NONCE_BYTES = 12
_WRAP_VERSION = 1


class Unsealable(PortalError):
    """Something sealed cannot be opened: wrong key, wrong place, or changed bytes. Says nothing of the content."""

    code = "UNSEALABLE"


@dataclass(frozen=True, kw_only=True)
class DataKeyRow:
    """One row of `org_data_keys`. `master_id` names the master key that wrapped it, never the key itself."""

    org_id: UUID
    key_id: int
    wrapped: bytes
    master_id: str
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True)
class DataKey:
    """An unwrapped data key. Lives in memory only; its bytes are kept out of representations."""

    org_id: UUID
    key_id: int
    secret: bytes = field(repr=False)


class MasterKeys:
    """The installation's keys, in order: the first wraps, every one unwraps, so a rotation needs no downtime."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are base64 of 32 random bytes each. Raises StartupError, which never repeats a key."""
        self._by_id: dict[str, AESGCM] = {}
        for position, text in enumerate(keys, start=1):
            try:
                raw = base64.b64decode(text.strip(), validate=True)
            except (binascii.Error, ValueError):
                raw = b""
            if len(raw) != KEY_BYTES:
                raise StartupError(
                    f"Master key number {position} is not base64 of {KEY_BYTES} bytes: "
                    "make one with `portal keys generate`."
                )
            self._by_id[_fingerprint(raw)] = AESGCM(raw)
        if not self._by_id:
            raise StartupError("There is no master key: make one with `portal keys generate`.")

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """From one setting: keys separated by commas."""
        return cls([part for part in text.split(",") if part.strip()])

    @staticmethod
    def generate() -> str:
        """A new master key, as text for the setting."""
        return base64.b64encode(os.urandom(KEY_BYTES)).decode()

    @property
    def current_id(self) -> str:
        """The id of the key that wraps now."""
        return next(iter(self._by_id))

    def wrap(self, key: DataKey) -> DataKeyRow:
        """The row to store for a data key, made now."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._by_id[self.current_id].encrypt(nonce, key.secret, _associated(key.org_id, key.key_id))
        wrapped = bytes([_WRAP_VERSION]) + nonce + sealed
        return DataKeyRow(
            org_id=key.org_id,
            key_id=key.key_id,
            wrapped=wrapped,
            master_id=self.current_id,
            created_at=datetime.now(UTC),
        )

    def unwrap(self, row: DataKeyRow) -> DataKey:
        """The data key of a row. Raises Unsealable when its master key is gone or the row was changed or moved."""
        master = self._by_id.get(row.master_id)
        if master is None:
            raise Unsealable(
                f"The credentials were encrypted under master key {row.master_id}, which is not configured: "
                "add that key to PORTAL_MASTER_KEYS."
            )
        if row.wrapped[:1] != bytes([_WRAP_VERSION]):
            raise Unsealable("A data key has an unknown format.")
        nonce, sealed = row.wrapped[1 : 1 + NONCE_BYTES], row.wrapped[1 + NONCE_BYTES :]
        try:
            secret = master.decrypt(nonce, sealed, _associated(row.org_id, row.key_id))
        except (InvalidTag, ValueError):
            raise Unsealable("A data key cannot be opened: its row was changed or moved.") from None
        return DataKey(row.org_id, row.key_id, secret)


def new_data_key(org_id: UUID, key_id: int) -> DataKey:
    """A fresh random data key."""
    return DataKey(org_id, key_id, os.urandom(KEY_BYTES))


def unwrap(row: DataKeyRow, masters: MasterKeys) -> DataKey:
    """The data key of a row. Raises Unsealable."""
    return masters.unwrap(row)


def rewrap(row: DataKeyRow, masters: MasterKeys) -> DataKeyRow | None:
    """The row under the current master key, None when it already is. Raises Unsealable."""
    if row.master_id == masters.current_id:
        return None
    fresh = masters.wrap(masters.unwrap(row))
    return DataKeyRow(
        org_id=row.org_id,
        key_id=row.key_id,
        wrapped=fresh.wrapped,
        master_id=fresh.master_id,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )


def _associated(org_id: UUID, key_id: int) -> bytes:
    # The key id is bound too, so that rows of one organization cannot be swapped either.
    return b"portal data key|" + org_id.bytes + key_id.to_bytes(4, "big")


def _fingerprint(raw: bytes) -> str:
    return hashlib.sha256(b"portal master key|" + raw).hexdigest()[:16]
