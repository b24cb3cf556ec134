"""The history of connection tests: latency, clock skew, expiry; kept on every test, by hand or once a day by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from portal.connectors.findings import ConnectionTest
from portal.connectors.manifest import Manifest
from portal.stores import notices
from portal.tenancy.scope import Scope

EVERY = timedelta(hours=24)
KEPT = 90
"""Checks kept per connection: a quarter of a year of daily ones."""
SKEW = 300
"""Seconds a store's clock may be off before it is a finding."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `connection_checks`. `clock_skew_s` is the store's clock minus ours, None when it did not tell."""

    at: datetime
    ok: bool
    status: str
    response_ms: int
    clock_skew_s: int | None
    expires_at: datetime | None


class PermissionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A permission as the health page says it. `excess` is set when it is granted and lets the key do more than is needed."""

    label: str
    needed_for: str
    required: bool
    granted: bool | None
    detail: str
    excess: str


async def keep(scope: Scope, connection_id: int, test: ConnectionTest, at: datetime) -> None:
    """Add a test to the history, forget the oldest, and give notice of failures, recoveries and expiry."""
    org_id: UUID | None = await scope.sql.fetchval(
        """INSERT INTO connection_checks (org_id, connection_id, at, ok, status, response_ms, clock_skew_s, expires_at)
           SELECT org_id, id, $2, $3, $4, $5, $6, $7 FROM client_api_credentials WHERE id = $1 RETURNING org_id""",
        connection_id,
        at,
        test.success,
        test.status[:100],
        min(test.response_time, 2**31 - 1),
        test.clock_skew_s,
        test.expires_at,
    )
    await scope.sql.execute(
        """DELETE FROM connection_checks WHERE org_id = $1 AND connection_id = $2 AND id <= (
             SELECT id FROM connection_checks WHERE org_id = $1 AND connection_id = $2 ORDER BY id DESC OFFSET $3 LIMIT 1)""",
        org_id,
        connection_id,
        KEPT,
    )
    if test.success:
        await notices.recovered(scope, connection_id)
    else:
        first, *rest = test.advice or ("The store could not be connected.",)
        await notices.failed(scope, connection_id, await _failing(scope, org_id, connection_id), first, " ".join(rest))
    if test.expires_at is not None:
        await notices.expires(scope, connection_id, test.expires_at, at)


async def history(scope: Scope, connection_id: int, limit: int = 30) -> list[Check]:
    """The last checks, newest first."""
    rows = await scope.sql.fetch(
        """SELECT at, ok, status, response_ms, clock_skew_s, expires_at FROM connection_checks
           WHERE connection_id = $1 ORDER BY id DESC LIMIT $2""",
        connection_id,
        limit,
    )
    return [Check(**dict(row)) for row in rows]


def permissions(manifest: Manifest, test: ConnectionTest | None) -> list[PermissionLine]:
    """Every declared permission, whether the last test found it granted."""
    found = {each.name: each for each in test.permissions} if test else {}
    return [
        PermissionLine(
            label=each.label,
            needed_for=each.needed_for,
            required=each.required,
            granted=found[each.name].granted if each.name in found else None,
            detail=found[each.name].detail if each.name in found else "",
            excess=each.excess if each.name in found and found[each.name].granted else "",
        )
        for each in manifest.permissions
    ]


async def _failing(scope: Scope, org_id: UUID | None, connection_id: int) -> int:
    """How many checks in a row have failed, this one included."""
    found: int = await scope.sql.fetchval(
        """SELECT count(*) FROM connection_checks WHERE org_id = $1 AND connection_id = $2
             AND id > coalesce((SELECT max(id) FROM connection_checks WHERE org_id = $1 AND connection_id = $2 AND ok), 0)""",
        org_id,
        connection_id,
    )
    return found
