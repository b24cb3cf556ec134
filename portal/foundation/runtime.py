"""Everything one process holds: made once at start, handed to the rooms, closed at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from quart import current_app

from portal.foundation.bus import Bus
from portal.foundation.cache import Cache
from portal.foundation.database import Database
from portal.foundation.limits import Limiter
from portal.foundation.outbound import OutboundClient
from portal.foundation.redis_link import RedisLink
from portal.foundation.settings import Settings
from portal.foundation.vault import Vault


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Runtime:
    """The composition (`portal/compose.py` makes it). `clock` gives aware UTC."""

    settings: Settings
    database: Database
    link: RedisLink
    bus: Bus
    cache: Cache
    limiter: Limiter
    outbound: OutboundClient
    vault: Vault
    clock: Callable[[], datetime] = utc_now


def runtime() -> Runtime:
    """The runtime of the app that serves the current request."""
    found: Runtime = current_app.extensions["portal"]
    return found
