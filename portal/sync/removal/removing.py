"""Asking for a connection to be removed: from that commit on it is hidden and counts for nothing.

Its rows are taken away afterwards, in parts (`clearing.py`), so that a store of a million orders holds up nobody. What hides it is
the policy of 0011_removal on the connection's own row: no list, no view, no lease, no webhook finds it any more.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from portal.commerce import locks
from portal.commerce.recalculating import Change, Total, restate
from portal.foundation.errors import Conflict
from portal.stores.connection import StoreConnection
from portal.sync import runs
from portal.tenancy.scope import Scope

_COUNTED = """
SELECT count(DISTINCT d.day) AS days, coalesce(sum(d.orders), 0)::bigint AS orders,
       coalesce(sum(d.unconverted_orders), 0)::bigint AS without_rate,
       coalesce(sum(d.gross_reporting - d.refunds_reporting), 0) AS revenue
FROM daily_sales d JOIN v_picture p ON p.connection_id = d.connection_id AND d.day >= p.first_day AND d.day < p.end_day
WHERE d.org_id = portal_org() AND d.connection_id = $1
"""
# The same heir as picture_pass_on() of 0011_removal finds.
_HEIR = """
SELECT h.id, h.connection_name AS name FROM client_api_credentials c JOIN LATERAL (
  SELECT CASE WHEN s.old_id = c.id THEN s.new_id ELSE s.old_id END AS id FROM picture_switches s
  WHERE s.undone_at IS NULL AND c.id IN (s.old_id, s.new_id) AND s.old_id IS NOT NULL AND s.new_id IS NOT NULL
  ORDER BY s.id DESC LIMIT 1) s ON true
JOIN client_api_credentials h ON h.id = s.id WHERE c.id = $1 AND NOT c.shadow
"""
_PAST = """
SELECT d.day, sum(d.gross_reporting - d.refunds_reporting) AS revenue, sum(d.orders)::bigint AS orders
FROM daily_sales d JOIN v_picture p ON p.connection_id = d.connection_id AND d.day >= p.first_day AND d.day < p.end_day
JOIN organizations o ON o.id = d.org_id
WHERE d.org_id = portal_org() AND d.connection_id = ANY($1) AND d.day < (portal_now() AT TIME ZONE o.timezone)::date GROUP BY 1
"""
_ONLY_SHADOWS = "SELECT bool_and(shadow) FROM client_api_credentials WHERE id <> $1"  # NULL: there are no others
_UPLOADS = "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM uploads WHERE status IN ('done', 'undone')"
_BUSY = "A file or a rebuild is being written at this moment."


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with a connection. `revenue` in the reporting currency (of `without_rate` of the counted orders it is not known)
    and `days`: what it counts for today, in the picture."""

    orders: int
    products: int
    customers: int
    days: int
    counted: int
    without_rate: int
    revenue: Decimal
    currency: str
    uploads: int
    heir: str  # who counts its days then; empty: nobody
    last: bool  # it is the last one that counts, and others are in shadow


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `removals`."""

    id: int
    connection_id: int
    name: str
    by_name: str
    asked_at: datetime
    rows_total: int | None
    rows_done: int
    webhooks: str
    finished_at: datetime | None


async def going(scope: Scope, connection: StoreConnection) -> Going:
    """What removing the connection would take away, for who is asked to confirm it."""
    held = await scope.sql.fetchrow(
        "SELECT (SELECT count(*) FROM orders WHERE connection_id = $1 AND deleted_at IS NULL) AS orders, "
        "(SELECT count(*) FROM products WHERE connection_id = $1 AND deleted_at IS NULL) AS products, "
        "(SELECT count(*) FROM customers WHERE connection_id = $1 AND deleted_at IS NULL) AS customers, "
        "(SELECT reporting_currency::text FROM organizations) AS currency",
        connection.id,
    )
    counted = await scope.sql.fetchrow(_COUNTED, connection.id)
    heir = await scope.sql.fetchrow(_HEIR, connection.id)
    return Going(
        **dict(held),
        days=counted["days"],
        counted=counted["orders"],
        without_rate=counted["without_rate"],
        revenue=counted["revenue"],
        uploads=0 if connection.polled else len(await scope.sql.fetchval(_UPLOADS)),
        heir=heir["name"] if heir else "",
        last=not heir and not connection.shadow and bool(await scope.sql.fetchval(_ONLY_SHADOWS, connection.id)),
    )


async def begin(scope: Scope, connection: StoreConnection, *, by: str) -> int:
    """Mark it as being removed, in the caller's transaction; the data version after it. The worker does the rest.

    A run under way is cancelled, its days go to the source it was switched with, and what that changes of days that are over is
    restated there. Raises `Conflict` while a file or a rebuild is being written.
    """
    org_id = _org(scope)
    await scope.sql.execute("SET LOCAL lock_timeout = '8s'")
    try:
        await locks.everything(scope, org_id)  # every writer is between two batches now, and finds nothing afterwards
        await scope.sql.execute("SELECT FROM client_api_credentials WHERE id = $1 FOR UPDATE", connection.id)
    except asyncpg.LockNotAvailableError:
        raise Conflict(_BUSY, details={"advice": "Try again when it is done; nothing was removed."}) from None
    heir = await scope.sql.fetchrow(_HEIR, connection.id)
    sides = [connection.id, heir["id"]] if heir else []
    before = await _past(scope, sides)
    uploads = [] if connection.polled else await _give_up_uploads(scope)
    await runs.cancel(scope, connection.id)
    await scope.sql.fetchval("SELECT picture_pass_on(c) FROM client_api_credentials c WHERE c.id = $1", connection.id)
    await unhide(scope)
    await scope.sql.execute(
        # The name is free again at once.
        """UPDATE client_api_credentials SET removing_at = now(), status = 'disabled', shadow = true, counts_from = NULL,
             counts_until = NULL, webhook_secret_before = NULL, updated_at = now(),
             connection_name = left(connection_name, 60) || ' (removed ' || id || ')' WHERE id = $1""",
        connection.id,
    )
    for column in ("old_id", "new_id"):  # nothing to switch back to
        await scope.sql.execute(f"UPDATE picture_switches SET {column} = NULL WHERE {column} = $1", connection.id)  # noqa: S608
    after = await _past(scope, sides)
    if heir:
        await restate(scope, "source_removed", _changes(heir["id"], before, after))
    for table in ("restatements", "daily_sales"):  # few rows each, and read by organization
        await scope.sql.execute(
            f"DELETE FROM {table} WHERE org_id = $1 AND connection_id = $2",  # noqa: S608 - constants
            org_id,
            connection.id,
        )
    await scope.sql.execute(
        "INSERT INTO removals (org_id, connection_id, name, platform_type, by_name, uploads) VALUES ($1, $2, $3, $4, $5, $6)",
        org_id,
        connection.id,
        connection.name,
        connection.platform,
        by[:200],
        uploads,
    )
    return await locks.advance(scope, org_id, moved=True)


async def unhide(scope: Scope) -> None:
    """Until the end of the transaction, connections that are being removed are there."""
    await scope.sql.execute("SELECT set_config('app.removing', 'on', true)")


async def recent(scope: Scope) -> list[Removal]:
    """The organization's removals under way, and those that ended within a week; newest first."""
    rows = await scope.sql.fetch(
        """SELECT id, connection_id, name, by_name, asked_at, rows_total, rows_done, webhooks, finished_at FROM removals
           WHERE finished_at IS NULL OR finished_at > now() - interval '7 days' ORDER BY id DESC LIMIT 20"""
    )
    return [Removal(**dict(row)) for row in rows]


async def _give_up_uploads(scope: Scope) -> list[int]:
    """The files' rows are versions in force while their upload is done: none of them may come back with the next file."""
    if await scope.sql.fetchval(
        "SELECT EXISTS (SELECT FROM uploads WHERE status IN ('checking', 'writing', 'undoing'))"
    ):
        raise Conflict(
            "A file is being worked on.", details={"advice": "Try again when it is done; nothing was removed."}
        )
    found: list[int] = await scope.sql.fetchval(_UPLOADS)
    await scope.sql.execute("UPDATE uploads SET status = 'undone', asked_at = now() WHERE status = 'done'")
    return found


async def _past(scope: Scope, sides: list[int]) -> dict[date, Total]:
    rows = await scope.sql.fetch(_PAST, sides) if sides else []
    return {row["day"]: Total(row["revenue"], row["orders"]) for row in rows}


def _changes(told_at: int, before: dict[date, Total], after: dict[date, Total]) -> list[Change]:
    nothing = Total(Decimal(0), 0)
    changes = (
        Change(told_at, day, before.get(day, nothing), after.get(day, nothing))
        for day in sorted(before.keys() | after.keys())
    )
    return [each for each in changes if each.was != each.now]


def _org(scope: Scope) -> UUID:
    found: Any = scope.org_id
    assert found is not None  # noqa: S101 - a tenant's scope
    return UUID(str(found))
