"""Taking away what a removed connection left: its webhooks at the store, then its rows in parts, then itself.

Every part is one short transaction that also renews the removal's lease, so a worker that is killed costs nothing but the pause
until the lease runs out; another one goes on where it was. Two workers never remove the same connection.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from portal.audit import trail
from portal.commerce import locks
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.bus import Event
from portal.foundation.database import AWAY
from portal.foundation.errors import ConnectorError, Missing, PortalError
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.sync.removal.removing import unhide
from portal.sync.webhooks.registration import delivery_url, may_write
from portal.tenancy.scope import Scope, platform, tenant

EVERY_SECONDS = 3.0
LEASE = timedelta(seconds=90)
"""Longer than the store is waited for when its webhooks are taken away."""
_PART = 5_000
_STORE_SECONDS = 45
_log = structlog.get_logger("portal.removal")
# The largest first; by what the rows are found.
_TABLES = {
    **dict.fromkeys(
        (
            "order_lines", "refund_lines", "refunds", "orders", "fees", "customers", "products", "coupons", "tax_rates",
            "early_deletions", "daily_sku_sales", "daily_sales", "webhook_deliveries", "sync_rejects", "reconciliations",
            "connection_checks", "notices", "client_api_sync_results",
        ),
        "connection_id = $2",
    ),
    **dict.fromkeys(("upload_entries", "upload_problems"), "upload_id = ANY($2)"),
    "uploads": "id = ANY($2)",
}  # fmt: skip


class _Lost(Exception):
    """Another worker removes it now."""


async def clear(rt: Runtime, stop: asyncio.Event | None = None) -> int:
    """Remove everything that waits to be removed, one connection after the other; how many were finished."""
    done, owner = 0, uuid4()
    while not (stop and stop.is_set()) and (claimed := await _claim(rt, owner)):
        try:
            done += await _remove(rt, claimed, owner, stop or asyncio.Event())
        except _Lost:
            continue
        except AWAY:
            raise
        except Exception as error:  # its lease keeps it from being tried again at once; the others go on
            _log.exception("removal_broke", connection_id=claimed["connection_id"], error=type(error).__name__)
    return done


async def _claim(rt: Runtime, owner: UUID) -> Any:
    async with platform(rt.database, "remove a connection") as scope:
        return await scope.sql.fetchrow(
            """UPDATE removals SET lease_owner = $1, lease_until = clock_timestamp() + $2::interval
               WHERE id = (SELECT id FROM removals WHERE finished_at IS NULL
                 AND (lease_until IS NULL OR lease_until < clock_timestamp()) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING id, org_id, connection_id, name, uploads, rows_total, webhooks""",
            owner,
            LEASE,
        )


async def _remove(rt: Runtime, row: Any, owner: UUID, stop: asyncio.Event) -> bool:
    org_id: UUID = row["org_id"]
    told = row["webhooks"] or await _webhooks(rt, org_id, row["connection_id"])
    async with tenant(rt.database, org_id) as scope:
        total = row["rows_total"]
        if total is None:
            total = await _count(scope, row)
        await _renew(scope, row["id"], owner, "webhooks = $4, rows_total = $5", told, total)
        await unhide(scope)  # the keys are not needed any more
        await scope.sql.execute(
            "UPDATE client_api_credentials SET webhook_secret = NULL, secrets = '' WHERE id = $1", row["connection_id"]
        )
    for table, condition in _TABLES.items():
        while True:
            if stop.is_set():
                await _give_back(rt, org_id, row["id"], owner)
                return False
            async with tenant(rt.database, org_id) as scope:
                await locks.beside(scope, org_id)
                gone = _changed(await scope.sql.execute(_delete(table, condition), org_id, _of(table, row), _PART))
                await _renew(scope, row["id"], owner, "rows_done = rows_done + $4", gone)
            await _tell(rt, org_id)
            if gone < _PART:
                break
    async with tenant(rt.database, org_id) as scope:
        await _renew(scope, row["id"], owner, "finished_at = now(), rows_total = rows_done")
        await unhide(scope)
        # Its triggers take what came in between, and every table that is not named above.
        await scope.sql.execute("DELETE FROM client_api_credentials WHERE id = $1", row["connection_id"], timeout=600)
        await trail.record(
            scope, actor="portal", actor_id=None, role="worker", action="store.removed", target=row["name"],
            after={"webhooks": told, "rows": total},
        )  # fmt: skip
    _log.info("connection_removed", connection_id=row["connection_id"], rows=total)
    await _tell(rt, org_id)
    return True


async def _webhooks(rt: Runtime, org_id: UUID, connection_id: int) -> str:
    """Take them away at the store, as far as it lets us; what came of it, in words."""
    try:
        async with tenant(rt.database, org_id) as scope:
            await unhide(scope)
            connection = await stores.load(scope, connection_id)
            declared = manifest_of(connection.platform)
            url = delivery_url(rt, connection)
            if not declared.webhook_topics or not url:
                return "No webhooks to remove."
            connector = await stores.connector_of(rt, scope, connection)
        if not may_write(connection):
            return "The key may only read, so the portal had no webhooks at the store."
        async with asyncio.timeout(_STORE_SECONDS):
            found = await connector.remove_webhooks(url)
    except Missing:
        return "No webhooks to remove."
    except TimeoutError:
        return _left("The store did not answer.")
    except ConnectorError as error:
        return _left(error.message)
    except AWAY:
        raise
    except PortalError as error:
        return _left(error.message)
    except Exception as error:  # never a reason to keep the rows
        _log.exception("webhooks_not_removed", connection_id=connection_id, error=type(error).__name__)
        return _left("The portal could not ask for it.")
    return f"{found} webhooks were removed at the store." if found else "No webhooks to remove."


def _left(why: str) -> str:
    return f"Webhooks may be left at the store, delete them there: {why} The portal answers them with 404."


async def _count(scope: Scope, row: Any) -> int:
    """Rows to be taken away. Those of parents and children alike: it is for the progress."""
    total = 0
    for table, condition in _TABLES.items():
        query = f"SELECT count(*) FROM {table} WHERE org_id = $1 AND {condition}"  # noqa: S608 - constants
        total += await scope.sql.fetchval(query, row["org_id"], _of(table, row), timeout=600)
    return total


def _of(table: str, row: Any) -> Any:
    return row["uploads"] if table.startswith("upload") else row["connection_id"]


def _delete(table: str, condition: str) -> str:
    return (
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - constants
        f"SELECT ctid FROM {table} WHERE org_id = $1 AND {condition} LIMIT $3 FOR UPDATE))"
    )


async def _renew(scope: Scope, removal: int, owner: UUID, also: str, *values: Any) -> None:
    """Prolong the lease in the caller's transaction. Raises `_Lost`."""
    held = await scope.sql.fetchval(
        f"""UPDATE removals SET lease_until = clock_timestamp() + $3::interval, {also}
            WHERE id = $1 AND lease_owner = $2 AND finished_at IS NULL RETURNING true""",  # noqa: S608 - constants
        removal,
        owner,
        LEASE,
        *values,
    )
    if not held:
        raise _Lost


async def _give_back(rt: Runtime, org_id: UUID, removal: int, owner: UUID) -> None:
    async with tenant(rt.database, org_id) as scope:
        await scope.sql.execute(
            "UPDATE removals SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2",
            removal,
            owner,
        )


async def _tell(rt: Runtime, org_id: UUID) -> None:
    await rt.bus.publish(Event(org_id=org_id, kind="progress", version=0, payload={"removal": True}))


def _changed(status: str) -> int:
    return int(status.rpartition(" ")[2])
