"""The composition of one process: opened in order, closed in reverse."""

from __future__ import annotations

from contextlib import suppress

from portal.foundation.bus import Bus
from portal.foundation.cache import Cache
from portal.foundation.database import Database
from portal.foundation.limits import Limiter
from portal.foundation.outbound import OutboundClient
from portal.foundation.redis_link import RedisLink
from portal.foundation.roles import access
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.foundation.vault import MasterKeys, Vault
from portal.tenancy.keys import PostgresDataKeys


async def open_runtime(settings: Settings) -> Runtime:
    """Everything one process holds, connected. `settings` name the servers and the master key.

    Raises `StartupError` or `DependencyAway` with what to do, leaving nothing open. Redis may be away.
    """
    masters = MasterKeys.parse(settings.master_keys)
    database = Database(
        (await access(settings)).url,
        replica_url=settings.database_replica_url,
        pool=settings.database_pool,
        pgbouncer=settings.database_pgbouncer,
    )
    await database.open()
    try:
        link = RedisLink(settings.redis_url, settings.redis_prefix)
        bus = Bus(link)
        outbound = OutboundClient(
            settings.outbound_allow,
            settings.outbound_ca_file,
            link,
            base_urls={
                "shopify": settings.shopify_base_url,
                "amazon": settings.amazon_api_url,
                "amazon-lwa": settings.amazon_lwa_url,
            },
        )
        await bus.start()
    except BaseException:
        await database.close()
        raise
    return Runtime(
        settings=settings,
        database=database,
        link=link,
        bus=bus,
        cache=Cache(link),
        limiter=Limiter(link),
        outbound=outbound,
        vault=Vault(PostgresDataKeys(database), masters, settings.installation),
    )


async def close_runtime(rt: Runtime) -> None:
    """Close what `open_runtime` opened; goes on when a part of it fails."""
    for part in (rt.outbound, rt.bus, rt.link, rt.database):
        with suppress(Exception):
            await part.close()
