"""How fast a store may be asked: one budget per store, shared by all processes, at the platform's rate or the agency's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from portal.connectors.registry import manifest as manifest_of
from portal.foundation.outbound.budget import Budget
from portal.foundation.runtime import Runtime
from portal.stores.connection import StoreConnection
from portal.tenancy.scope import Scope, platform


async def store_budget(scope: Scope, connection: StoreConnection) -> Budget:
    """The budget of a saved connection; `api_platform_configs` overrides the connector's own rate."""
    return await _budget(scope, connection.platform, f"store:{connection.public_token}")


async def trial_budget(rt: Runtime, platform_type: str, credentials: Mapping[str, str]) -> Budget:
    """The budget of credentials that are not saved: by the site's host, so that tests of one store share it too."""
    addresses = [credentials.get(name, "") for name in manifest_of(platform_type).address_fields]
    host = (urlsplit(addresses[0]).netloc or addresses[0]).lower() if addresses else platform_type
    digest = hashlib.sha256(host.encode()).hexdigest()[:24]
    async with platform(rt.database, "read platform rates", read_only=True) as scope:
        return await _budget(scope, platform_type, f"test:{digest}")


async def rate_of(scope: Scope, platform_type: str) -> Budget:
    """The rate in force for stores of a platform; the key means nothing."""
    return await _budget(scope, platform_type, "")


async def _budget(scope: Scope, platform_type: str, key: str) -> Budget:
    declared = manifest_of(platform_type).rate_limit
    row = await scope.sql.fetchrow(
        "SELECT requests_per_second, burst FROM api_platform_configs WHERE platform_type = $1", platform_type
    )
    rate = float(row["requests_per_second"]) if row and row["requests_per_second"] else declared.per_second
    burst = row["burst"] if row and row["burst"] else declared.burst
    return Budget(key, max(rate, 0.01), max(burst, 1))
