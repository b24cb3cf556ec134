"""What can be done with a client's connections to stores. Other rooms import from here."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from portal.connectors.contract import Connector
from portal.connectors.registry import connector_class
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Conflict, Invalid, Missing
from portal.foundation.runtime import Runtime
from portal.stores.budgets import store_budget
from portal.stores.connection import FREQUENCIES, StoreConnection, list_connections, load
from portal.stores.fields import from_form, validate_credentials
from portal.stores.installation import completed
from portal.stores.sealed import credentials, seal_secrets, shown, split
from portal.stores.testing import record_test, test_credentials
from portal.tenancy.scope import Scope, tenant

__all__ = [
    "FREQUENCIES",
    "StoreConnection",
    "connector_of",
    "create_connection",
    "credentials",
    "from_form",
    "list_connections",
    "load",
    "open_connector",
    "pause",
    "record_test",
    "replace_credentials",
    "resume",
    "set_frequency",
    "shown",
    "test_credentials",
    "validate_credentials",
]


async def create_connection(
    rt: Runtime,
    scope: Scope,
    *,
    org_id: UUID,
    platform: str,
    name: str,
    credentials: Mapping[str, str],
    frequency: str,
    created_by: UUID | None,
    shadow: bool = False,
) -> int:
    """Save a connection with validated credentials; returns its id. The caller then requests the first sync.

    In `shadow` it is synced and compared, and counts for no day until somebody switches (portal/parallel/).
    The organization must be committed already: the vault makes its first data key in a transaction of its own.
    Raises `Invalid` for a wrong name or frequency, `Conflict` when the name is taken or the platform is switched off.
    """
    name = name.strip()
    problems: dict[str, str] = {}
    if not 1 <= len(name) <= 100:
        problems["connection_name"] = "The connection's name must have 1 to 100 characters."
    if frequency not in FREQUENCIES:
        problems["sync_frequency"] = f"The sync frequency must be one of: {', '.join(FREQUENCIES)}."
    if problems:
        raise Invalid("Please check the connection.", problems)
    if await scope.sql.fetchval(
        "SELECT 1 FROM api_platform_configs WHERE platform_type = $1 AND NOT enabled", platform
    ):
        raise Conflict(f"{manifest_of(platform).label} is switched off in this portal.")
    token = random_secrets.token_hex(16)
    shown_fields, secret_fields = split(platform, credentials)
    sealed = await seal_secrets(rt, org_id, token, secret_fields)
    try:
        async with scope.sql.transaction():  # a savepoint: the caller's transaction survives a taken name
            created: int = await scope.sql.fetchval(
                """INSERT INTO client_api_credentials
                     (org_id, platform_type, connection_name, settings, secrets, sync_frequency, public_token, created_by,
                      shadow)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id""",
                org_id,
                platform,
                name,
                msgspec.json.encode(shown_fields).decode(),
                sealed,
                frequency,
                token,
                created_by,
                shadow,
            )
    except asyncpg.UniqueViolationError:
        raise Conflict(
            "There is already a connection with this name.", details={"fields": {"connection_name": "is taken"}}
        ) from None
    return created


async def replace_credentials(
    rt: Runtime, scope: Scope, connection: StoreConnection, values: Mapping[str, str]
) -> None:
    """Save other (validated, tested) credentials. A new store address starts every stream again from the beginning.

    A run under way loses its lease and waits again: with the old credentials it would write what the old address says, cursor
    and all, or fail for a key that is no longer in use.
    """
    shown_fields, secret_fields = split(connection.platform, values)
    sealed = await seal_secrets(rt, connection.org_id, connection.public_token, secret_fields)
    await scope.sql.execute(
        """UPDATE client_api_credentials SET settings = $2, secrets = $3, updated_at = now(), next_sync_at = now(),
             consecutive_failures = 0, lease_owner = NULL, lease_until = NULL WHERE id = $1""",
        connection.id,
        msgspec.json.encode(shown_fields).decode(),
        sealed,
    )
    await scope.sql.execute(  # of a paused store it ends, as it would have after its page
        """UPDATE client_api_sync_results r SET status = CASE WHEN c.status = 'paused' THEN 'cancelled' ELSE 'queued' END,
             finished_at = CASE WHEN c.status = 'paused' THEN now() END
           FROM client_api_credentials c WHERE c.id = $1 AND r.connection_id = c.id AND r.status = 'running'""",
        connection.id,
    )
    addresses = manifest_of(connection.platform).address_fields
    if any(shown_fields.get(name) != connection.settings.get(name) for name in addresses):
        # Cursors are the old address' own. Rows are kept: the same ids are written over, and an empty answer is refused.
        await scope.sql.execute("DELETE FROM sync_cursors WHERE connection_id = $1", connection.id)
        # So are the places of runs from a day on.
        await scope.sql.execute(
            """UPDATE client_api_sync_results SET again_at = NULL, finished_at = coalesce(finished_at, now()),
                 status = CASE WHEN status IN ('queued', 'running') THEN 'cancelled' ELSE status END
               WHERE connection_id = $1 AND request ? 'since' AND (status IN ('queued', 'running') OR again_at IS NOT NULL)""",
            connection.id,
        )
        await scope.sql.execute(
            "UPDATE client_api_credentials SET webhook_topics = '{}', webhook_secret = NULL WHERE id = $1",
            connection.id,
        )


async def open_connector(rt: Runtime, org_id: UUID, connection_id: int) -> Connector:
    """A connector with the saved credentials and the store's shared budget. Raises `Missing`, `Unsealable`."""
    async with tenant(rt.database, org_id, read_only=True) as scope:
        return await connector_of(rt, scope, await load(scope, connection_id))


async def connector_of(rt: Runtime, scope: Scope, connection: StoreConnection) -> Connector:
    """A connector of a connection that is loaded already. Raises `Unsealable`."""
    values = await credentials(rt, scope, connection)
    budget = await store_budget(scope, connection)
    return connector_class(connection.platform)(
        completed(rt.settings, connection.platform, values), rt.outbound, budget
    )


async def pause(scope: Scope, connection_id: int) -> None:
    """No further syncs until `resume`; a running one stops after its current page. Raises `Missing`."""
    await _update(scope, "status = 'paused'", connection_id)


async def resume(scope: Scope, connection_id: int) -> None:
    """Sync again, starting now. Raises `Missing`."""
    await _update(
        scope,
        "status = CASE WHEN last_error IS NULL THEN 'active' ELSE 'error' END, next_sync_at = now()",
        connection_id,
    )


async def set_frequency(scope: Scope, connection_id: int, frequency: str) -> None:
    """Change how often it syncs. Raises `Invalid`, `Missing`."""
    if frequency not in FREQUENCIES:
        allowed = ", ".join(FREQUENCIES)
        raise Invalid("Please check the frequency.", {"sync_frequency": f"must be one of: {allowed}"})
    seconds = timedelta(seconds=FREQUENCIES[frequency][0])
    assignments = "sync_frequency = $2, next_sync_at = least(next_sync_at, now() + $3::interval)"
    await _update(scope, assignments, connection_id, frequency, seconds)


async def _update(scope: Scope, assignments: str, connection_id: int, *arguments: Any) -> None:
    done: str = await scope.sql.execute(
        f"UPDATE client_api_credentials SET {assignments}, updated_at = now() WHERE id = $1 AND status <> 'disabled'",  # noqa: S608
        connection_id,
        *arguments,
    )
    if done == "UPDATE 0":
        raise Missing("There is no such store.")
