"""A client's connection as the rest of the portal sees it: everything but its secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from portal.foundation.errors import Conflict, Missing
from portal.tenancy.scope import Scope

FREQUENCIES: dict[str, tuple[int, str]] = {
    "hourly": (3600, "Hourly"),
    "every_6_hours": (6 * 3600, "Every 6 hours"),
    "daily": (24 * 3600, "Daily"),
    "weekly": (7 * 24 * 3600, "Weekly"),
}
"""`sync_frequency` -> (seconds between two scheduled syncs, words)."""
SYNCED = frozenset({"active", "error"})
"""The states of a connection in which it syncs: neither paused nor removed."""

_COLUMNS = """id, org_id, platform_type AS platform, connection_name AS name, settings, status, sync_frequency AS frequency,
  store_name, store_currency, store_timezone, public_token, webhook_secret IS NOT NULL AS has_webhook_secret,
  webhook_topics, last_webhook_at, last_test, last_test_at, last_success_at, last_error, last_error_advice, last_error_at,
  consecutive_failures, next_sync_at, created_at, polled, shadow"""


class StoreConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `client_api_credentials` without its secrets. `last_test` is the last connection test's findings."""

    id: int
    org_id: UUID
    platform: str
    name: str
    settings: dict[str, str]
    status: str
    frequency: str
    store_name: str | None
    store_currency: str | None
    store_timezone: str | None
    public_token: str
    has_webhook_secret: bool
    webhook_topics: list[str]
    last_webhook_at: datetime | None
    last_test: dict[str, Any] | None
    last_test_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    last_error_advice: str | None
    last_error_at: datetime | None
    consecutive_failures: int
    next_sync_at: datetime
    created_at: datetime
    shadow: bool = False  # it counts for no day (portal/parallel/)
    polled: bool = True  # False: its rows come by hand (portal/uploads/)

    @property
    def secrets_field(self) -> str:
        """The vault's field name, bound into the sealed secrets."""
        return f"client_api_credentials.secrets:{self.public_token}"

    @property
    def webhook_field(self) -> str:
        """The vault's field name of the webhook secret."""
        return f"client_api_credentials.webhook_secret:{self.public_token}"


async def load(scope: Scope, connection_id: int) -> StoreConnection:
    """One connection. Raises `Missing` when it is not there for this tenant."""
    row = await scope.sql.fetchrow(f"SELECT {_COLUMNS} FROM client_api_credentials WHERE id = $1", connection_id)  # noqa: S608
    if row is None:
        raise Missing("There is no such store.")
    return from_row(row)


def only_polled(connection: StoreConnection) -> StoreConnection:
    """`connection`. Raises `Conflict` when nobody can be asked for its rows, so that there is nothing to sync, test or pause."""
    if not connection.polled:
        raise Conflict("Files are uploaded by hand; there is nothing to sync.", details={"advice": "Open Uploads."})
    return connection


async def list_connections(scope: Scope) -> list[StoreConnection]:
    """The tenant's connections by name (in a platform scope: everyone's)."""
    rows = await scope.sql.fetch(
        f"SELECT {_COLUMNS} FROM client_api_credentials ORDER BY lower(connection_name), id"  # noqa: S608
    )
    return [from_row(row) for row in rows]


def from_row(row: Any) -> StoreConnection:
    """A database row (with `_COLUMNS`) as a `StoreConnection`; jsonb arrives as text."""
    values = dict(row)
    for name in ("settings", "last_test"):
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name])
    return StoreConnection(**values)
