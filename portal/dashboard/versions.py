"""The data version of each organization, as this process knows it.

While the bus is up, `data` events keep the map current and a cached tile never lags data that has arrived. While it is
down (or after a gap) the version is read from PostgreSQL, at most once a second per organization.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.foundation.bus import Event
from portal.foundation.runtime import Runtime
from portal.tenancy import scope

_TRUST_BUS, _TRUST_ALONE = 30.0, 1.0  # seconds a known version is used without asking PostgreSQL


@dataclass(frozen=True, slots=True)
class Version:
    """`number` moves with every committed write; `as_of` is when the newest source data arrived (None: none yet)."""

    number: int
    as_of: datetime | None


class Versions:
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: dict[UUID, tuple[Version, float]] = {}
        self._announced: dict[UUID, int] = {}  # the newest version an event named: an older read is not kept

    def peek(self, org_id: UUID) -> Version | None:
        """The organization's version now, if this process knows it."""
        known = self._known.get(org_id)
        if known is None:
            return None
        trust = _TRUST_BUS if self._rt.bus.listening else _TRUST_ALONE
        return known[0] if time.monotonic() - known[1] < trust else None

    async def current(self, org_id: UUID) -> Version:
        """The organization's version now."""
        return self.peek(org_id) or await self.refresh(org_id)

    async def refresh(self, org_id: UUID) -> Version:
        """Read the version from PostgreSQL and remember it."""
        async with scope.reading(self._rt.database, org_id) as connection:
            row = await connection.fetchrow("SELECT version, data_as_of FROM tenant_versions")
        return self._remember(org_id, Version(row["version"], row["data_as_of"]) if row else Version(0, None))

    async def refresh_many(self, org_ids: list[UUID]) -> dict[UUID, Version]:
        """The versions of all `org_ids` in one statement (the sweep that finds events the bus lost)."""
        async with scope.platform(self._rt.database, "sweep data versions", read_only=True) as tx:
            rows = await tx.sql.fetch(
                "SELECT org_id, version, data_as_of FROM tenant_versions WHERE org_id = ANY($1)", org_ids
            )
        return {
            row["org_id"]: self._remember(row["org_id"], Version(row["version"], row["data_as_of"])) for row in rows
        }

    async def on_event(self, event: Event) -> None:
        """A committed write moved the version: it is re-read, with its `as_of`, when somebody asks."""
        if event.kind == "data":
            self._announced[event.org_id] = max(event.version, self._announced.get(event.org_id, 0))
            self._known.pop(event.org_id, None)

    def forget(self) -> None:
        """Events may have been missed: trust nothing."""
        self._known.clear()
        self._announced.clear()

    def _remember(self, org_id: UUID, version: Version) -> Version:
        if version.number < self._announced.get(org_id, 0):
            return version  # read before that commit was visible here (a replica, or a race): use it once, keep nothing
        if len(self._known) > 50_000:
            self.forget()
        self._known[org_id] = (version, time.monotonic())
        return version
