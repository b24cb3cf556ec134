"""The real application over servers that nobody connects to: its declarations are all that is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from quart import Quart

from portal.app import create_app
from portal.foundation.bus import Bus
from portal.foundation.cache import Cache
from portal.foundation.database import Database
from portal.foundation.limits import Limiter
from portal.foundation.outbound import OutboundClient
from portal.foundation.redis_link import RedisLink
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.foundation.vault import MasterKeys, Vault
from portal.tenancy.keys import PostgresDataKeys


@pytest.fixture(scope="session")
async def app() -> AsyncIterator[Quart]:
    keys = MasterKeys.generate()
    settings = Settings(master_keys=keys, database_url="postgresql://nobody@127.0.0.1:1/none")
    database, link, outbound = (
        Database(settings.database_url),
        RedisLink("redis://127.0.0.1:1/0", "docs"),
        OutboundClient(),
    )
    yield create_app(
        Runtime(
            settings=settings,
            database=database,
            link=link,
            bus=Bus(link),
            cache=Cache(link),
            limiter=Limiter(link),
            outbound=outbound,
            vault=Vault(PostgresDataKeys(database), MasterKeys.parse(keys), settings.installation),
        )
    )
    await outbound.close()
    await link.close()
