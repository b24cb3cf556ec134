"""How an organization's sources stand: what decides whether a tile is live, stale, empty or not connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

State = Literal["live", "stale", "error", "empty", "not_connected", "first_sync"]

_SQL = """
SELECT o.name, o.timezone, o.reporting_currency::text AS currency,
       count(c.id) AS stores,
       count(c.id) FILTER (WHERE c.last_success_at IS NOT NULL) AS synced,
       max(c.last_success_at) AS last_success_at,
       (array_agg(c.connection_name ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS failing,
       (array_agg(c.id ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS failing_id,
       (array_agg(c.last_error ORDER BY c.last_error_at DESC) FILTER (WHERE c.status = 'error'))[1] AS reason,
       bool_or(c.polled AND c.status IN ('active', 'error') AND c.last_success_at < portal_now() - CASE c.sync_frequency
         WHEN 'hourly' THEN interval '2 hours' WHEN 'every_6_hours' THEN interval '12 hours'
         WHEN 'daily' THEN interval '2 days' ELSE interval '14 days' END) AS overdue,
       portal_now() AS now, (SELECT max(r.id) FROM reconciliations r WHERE r.org_id = o.id) AS compared
FROM organizations o LEFT JOIN client_api_credentials c ON c.org_id = o.id AND c.status <> 'disabled'
GROUP BY o.id, o.name, o.timezone, o.reporting_currency
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """`timezone` and `currency` are the organization's; `reason` is the newest error of a failing store,
    `compared` the newest comparison with any of them."""

    name: str
    timezone: str
    currency: str
    stores: int
    synced: int
    last_success_at: datetime | None
    failing: str | None
    failing_id: int | None
    reason: str | None
    overdue: bool
    now: datetime
    compared: int | None = None

    def state(self, *, empty: bool) -> State:
        """The state of a tile that reads the stores' data."""
        if self.stores == 0:
            return "not_connected"
        if self.synced == 0:
            return "error" if self.failing else "first_sync"
        if self.failing or self.overdue:
            return "stale"
        return "empty" if empty else "live"

    @property
    def mark(self) -> str:
        """Changes with everything a drawn tile says of the stores, apart from their data."""
        said = (
            self.stores > 0,
            self.synced > 0,
            self.failing_id,
            self.failing,
            self.reason,
            self.overdue,
            self.compared,
        )
        told = repr((*said, self.currency, self.timezone))
        return blake2b(told.encode(), digest_size=6).hexdigest()

    @property
    def stale_for(self) -> timedelta | None:
        return self.now - self.last_success_at if self.last_success_at else None


async def standing(connection: Any) -> Standing:
    """The organization's standing, by the connection of a tenant scope."""
    row = await connection.fetchrow(_SQL)
    return (
        Standing(**dict(row))
        if row
        else Standing("", "UTC", "USD", 0, 0, None, None, None, None, False, datetime.now(UTC))
    )
