"""The vault's data keys in PostgreSQL, one organization at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from portal.foundation.database import Database
from portal.foundation.vault.keys import DataKeyRow
from portal.tenancy.scope import reading, tenant


class PostgresDataKeys:
    """Implements the vault's `DataKeyStore` on `org_data_keys`. Each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, org_id: UUID) -> Sequence[DataKeyRow]:
        """All rows of an organization, retired ones included, oldest first."""
        async with reading(self._database, org_id) as connection:
            rows = await connection.fetch(
                "SELECT org_id, key_id, wrapped, master_id, created_at, retired_at FROM org_data_keys ORDER BY key_id"
            )
        return [DataKeyRow(**dict(row)) for row in rows]

    async def insert(self, row: DataKeyRow) -> bool:
        """Add a row; False when that key id exists already (another process was first)."""
        async with tenant(self._database, row.org_id) as scope:
            status = await scope.sql.execute(
                "INSERT INTO org_data_keys (org_id, key_id, wrapped, master_id, created_at, retired_at)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                row.org_id,
                row.key_id,
                row.wrapped,
                row.master_id,
                row.created_at,
                row.retired_at,
            )
        return bool(status == "INSERT 0 1")

    async def update(self, row: DataKeyRow) -> None:
        """Replace `wrapped`, `master_id` and `retired_at` of the row with this org and key id."""
        async with tenant(self._database, row.org_id) as scope:
            await scope.sql.execute(
                "UPDATE org_data_keys SET wrapped = $3, master_id = $4, retired_at = $5"
                " WHERE org_id = $1 AND key_id = $2",
                row.org_id,
                row.key_id,
                row.wrapped,
                row.master_id,
                row.retired_at,
            )
