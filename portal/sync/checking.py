"""The daily connection test of every store that syncs: a key that is about to end, or lost a right, is told of ahead."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from portal.foundation.runtime import Runtime
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.connection import StoreConnection
from portal.tenancy.scope import tenant


async def check_if_due(rt: Runtime, org_id: UUID, connection_id: int) -> bool:
    """Test the saved credentials when the last test is a day old; whether it was done.

    Raises `Missing`, `Unsealable`; a failing store is a finding, never an exception.
    """
    async with tenant(rt.database, org_id, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        if not is_due(connection, rt.clock()):
            return False
        values = await stores.credentials(rt, scope, connection)
    test = await stores.test_credentials(rt, connection.platform, values)
    async with tenant(rt.database, org_id) as scope:
        await stores.record_test(scope, connection_id, test, rt.clock())
    return True


def is_due(connection: StoreConnection, now: datetime) -> bool:
    """Whether a day has passed since the last test (or since it was connected)."""
    return (
        connection.status in {"active", "error"}
        and now - (connection.last_test_at or connection.created_at) >= checks.EVERY
    )
