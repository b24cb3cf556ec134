"""Rotating the master key: every data key is unwrapped with an older one and wrapped with the first."""

from __future__ import annotations

from portal.compose import close_runtime, open_runtime
from portal.foundation.settings import Settings
from portal.tenancy.scope import platform


async def rewrap(settings: Settings) -> int:
    """Put all data keys under the first master key; gives how many there are. Safe to run again, and while serving.

    Raises `Unsealable` when a key's master is not among PORTAL_MASTER_KEYS; those before it are done already.
    """
    runtime = await open_runtime(settings)
    try:
        async with platform(runtime.database, "rewrap data keys", read_only=True) as scope:
            rows = await scope.sql.fetch("SELECT org_id, count(*) AS keys FROM org_data_keys GROUP BY org_id")
        for row in rows:
            await runtime.vault.rewrap(row["org_id"])
        return sum(row["keys"] for row in rows)
    finally:
        await close_runtime(runtime)
