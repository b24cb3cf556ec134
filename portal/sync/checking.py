"""The daily connection test of every store that syncs: a key that is about to end, or lost a right, is told of ahead.

And the one out of turn, when a platform refuses the credentials: a merchant took the app away, say, which Shopify tells
(app/uninstalled) and the run that this asks for finds out.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from portal.foundation.errors import AuthFailed
from portal.foundation.runtime import Runtime
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.connection import SYNCED, StoreConnection
from portal.sync.status import connection_test
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import tenant


async def check_if_due(rt: Runtime, org_id: UUID, connection_id: int) -> bool:
    """Test the saved credentials when the last test is a day old; whether it was done.

    Raises `Missing`, `Unsealable`; a failing store is a finding, never an exception.
    """
    async with tenant(rt.database, org_id, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        if not is_due(connection, rt.clock()):
            return False
    await _check(rt, connection)
    return True


async def look_after_refusal(rt: Runtime, org_id: UUID, connection_id: int, run_id: UUID) -> bool:
    """When the run ended because the credentials were refused, test them and look at the webhooks at once; whether it was done.

    Once: not while the last test says the same. Raises as `check_if_due`.
    """
    async with tenant(rt.database, org_id, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        code = await scope.sql.fetchval("SELECT error_code FROM client_api_sync_results WHERE run_id = $1", run_id)
    test = connection_test(connection)
    if code != AuthFailed.code or (test is not None and not test.success):
        return False
    await register_webhooks(rt, org_id, connection_id, anew=False)
    await _check(rt, connection)
    return True


async def _check(rt: Runtime, connection: StoreConnection) -> None:
    async with tenant(rt.database, connection.org_id, read_only=True) as scope:
        values = await stores.credentials(rt, scope, connection)
    test = await stores.test_credentials(rt, connection.platform, values)
    async with tenant(rt.database, connection.org_id) as scope:
        await stores.record_test(scope, connection.id, test, rt.clock())


def is_due(connection: StoreConnection, now: datetime) -> bool:
    """Whether a day has passed since the last test (or since it was connected)."""
    return connection.status in SYNCED and now - (connection.last_test_at or connection.created_at) >= checks.EVERY
