"""Rows that a webhook names without telling them in full: fetched from the store, so that a push and a page map alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Delivery, Rejected
from portal.foundation.errors import PortalError
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import StoreConnection

_log = structlog.get_logger("portal.sync")
_AT_ONCE = 100
_LONGEST = 120.0


@dataclass(slots=True)
class Fetched:
    """What the store said of the stale rows. `ask`: it did not say (all of) it, a run has to."""

    records: list[AnyRecord] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ask: bool = False


async def fetch_stale(rt: Runtime, connection: StoreConnection, deliveries: Iterable[Delivery]) -> Fetched:
    """Fetch each named row once, however many deliveries name it. Never raises for a store in trouble."""
    wanted: dict[str, dict[str, None]] = {}
    found = Fetched()
    for delivery in deliveries:
        found.ask = found.ask or delivery.ask
        for stream, ids in delivery.stale.items():
            wanted.setdefault(stream, {}).update(dict.fromkeys(ids))
    if not any(wanted.values()):
        return found
    try:
        async with asyncio.timeout(_LONGEST):
            connector = await stores.open_connector(rt, connection.org_id, connection.id)
            for stream, named in wanted.items():
                for part in _parts(list(named)):
                    page = await connector.fetch(stream, part)
                    found.records += page.records
                    found.rejected += page.rejected
    except (PortalError, TimeoutError) as error:
        # The run meets the same trouble with more patience, and says it on the store's page.
        _log.info("webhook_rows_not_fetched", connection_id=connection.id, error=type(error).__name__)
        found.ask = True
    return found


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
