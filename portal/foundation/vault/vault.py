"""The vault that rooms use: seal and open by organization and field, keys fetched and kept for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from portal.foundation.vault.keys import DataKey, DataKeyRow, MasterKeys, Unsealable, new_data_key, rewrap
from portal.foundation.vault.sealing import key_id_of, open_, seal

_KEPT_SECONDS = 60.0
_KEPT_ORGANIZATIONS = 1000


class DataKeyStore(Protocol):
    """Rows of `org_data_keys`; implemented above the ground floor, where the database's tenants are known."""

    async def get(self, org_id: UUID) -> Sequence[DataKeyRow]:
        """All rows of an organization, retired ones included."""
        ...

    async def insert(self, row: DataKeyRow) -> bool:
        """Add a row; False when that key id exists already (another process was first)."""
        ...

    async def update(self, row: DataKeyRow) -> None:
        """Replace `wrapped`, `master_id` and `retired_at` of the row with this org and key id."""
        ...


class Vault:
    """Envelope encryption over a store of wrapped data keys. Safe for concurrent use in one event loop.

    Unwrapped keys are kept at most a minute, so a key rotated by another process is taken up soon.
    """

    def __init__(self, store: DataKeyStore, masters: MasterKeys, installation: str) -> None:
        self._store, self._masters, self._installation = store, masters, installation
        self._kept: OrderedDict[UUID, tuple[float, int, dict[int, DataKey]]] = OrderedDict()

    async def seal(self, org_id: UUID, field: str, plaintext: str) -> bytes:
        """Encrypt under the organization's current data key, which is made on first use."""
        current, keys = await self._keys(org_id)
        return seal(self._installation, org_id, field, plaintext, keys[current])

    async def open(self, org_id: UUID, field: str, sealed: bytes) -> str:
        """Decrypt. Raises Unsealable when the bytes, the organization or the field are not those sealed."""
        key = await self._key(org_id, key_id_of(sealed))
        return open_(self._installation, org_id, field, sealed, key)

    async def rotate(self, org_id: UUID) -> int:
        """Make a new current data key and retire the others; gives its id. Values are re-sealed by `reseal`."""
        rows = await self._store.get(org_id)
        fresh = new_data_key(org_id, max((row.key_id for row in rows), default=0) + 1)
        if await self._store.insert(self._masters.wrap(fresh)):
            for row in rows:
                if row.retired_at is None:
                    await self._store.update(replace(row, retired_at=datetime.now(UTC)))
        self._kept.pop(org_id, None)
        current, _ = await self._keys(org_id)
        return current

    async def reseal(self, org_id: UUID, field: str, sealed: bytes) -> bytes | None:
        """The value under the current data key, None when it already is. Raises Unsealable."""
        current, _ = await self._keys(org_id)
        if key_id_of(sealed) == current:
            return None
        return await self.seal(org_id, field, await self.open(org_id, field, sealed))

    async def rewrap(self, org_id: UUID) -> int:
        """Put the organization's data keys under the current master key; gives how many changed."""
        changed = [fresh for row in await self._store.get(org_id) if (fresh := rewrap(row, self._masters))]
        for row in changed:
            await self._store.update(row)
        return len(changed)

    async def _key(self, org_id: UUID, key_id: int) -> DataKey:
        _, keys = await self._keys(org_id)
        if key_id not in keys:  # made by another process a moment ago
            self._kept.pop(org_id, None)
            _, keys = await self._keys(org_id)
        if key_id not in keys:
            raise Unsealable("A credential was sealed under a data key that is gone. Enter it again.")
        return keys[key_id]

    async def _keys(self, org_id: UUID) -> tuple[int, dict[int, DataKey]]:
        kept = self._kept.get(org_id)
        if kept is not None and kept[0] > time.monotonic():
            self._kept.move_to_end(org_id)
            return kept[1], kept[2]
        rows = await self._store.get(org_id)
        if not any(row.retired_at is None for row in rows):
            fresh = new_data_key(org_id, max((row.key_id for row in rows), default=0) + 1)
            await self._store.insert(self._masters.wrap(fresh))  # whoever was first, its row is read back
            rows = await self._store.get(org_id)
        keys = {row.key_id: self._masters.unwrap(row) for row in rows}
        current = max(row.key_id for row in rows if row.retired_at is None)
        self._kept[org_id] = (time.monotonic() + _KEPT_SECONDS, current, keys)
        self._kept.move_to_end(org_id)
        if len(self._kept) > _KEPT_ORGANIZATIONS:
            self._kept.popitem(last=False)
        return current, keys
