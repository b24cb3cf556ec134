"""When another program has taken the sandbox's port, the sandbox moves, and every connection to it moves along.

WooCommerce connections know their store's address. Where Shopify and Amazon are is a setting of the whole portal.
"""

from __future__ import annotations

import structlog

from portal.foundation.runtime import Runtime
from portal.ops.demo_cast import SHOPS
from portal.stores import service as stores
from portal.stores.connection import SYNCED
from portal.sync import jobs
from portal.tenancy.scope import platform

_log = structlog.get_logger("portal.demo")
_STORES = [shop.store for shop in SHOPS if shop.platform == "woocommerce"]
_ELSEWHERE = r"^http://127\.0\.0\.1:\d+/(" + "|".join(_STORES) + ")$"


async def follow_sandbox(runtime: Runtime, sandbox_url: str) -> None:
    """Give connections to the sandbox's stores its present address and sync them; also those that people have added."""
    async with platform(runtime.database, "look for stores of a sandbox that has moved", read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT id, settings->>'site_url' AS site_url FROM client_api_credentials"
            " WHERE settings->>'site_url' ~ $1 AND NOT starts_with(settings->>'site_url', $2)",
            _ELSEWHERE,
            f"{sandbox_url}/",
        )
    for row in rows:
        async with platform(runtime.database, "move a demo store") as scope:
            connection = await stores.load(scope, row["id"])
            values = await stores.credentials(runtime, scope, connection)
            values["site_url"] = f"{sandbox_url}/{row['site_url'].rpartition('/')[2]}"
            await stores.replace_credentials(runtime, scope, connection, values)
            if connection.status in SYNCED:
                await jobs.request_sync(scope, org_id=connection.org_id, connection_id=connection.id, trigger="manual")
        _log.info("demo_store_moved", connection_id=row["id"], site_url=values["site_url"])
