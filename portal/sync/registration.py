"""Asking a store to send webhooks. Polling stays the floor: a store that will not, or stops, is merely slower to see."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from portal.connectors.base import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import ConnectorError, Forbidden, PortalError
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import StoreConnection
from portal.stores.sealed import webhook_secret
from portal.tenancy.scope import tenant

_log = structlog.get_logger("portal.sync")
AGAIN_AFTER = timedelta(hours=24)
"""How often an existing registration is looked after: stores switch a webhook off after some failed deliveries."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking: state is registered, partly, not_permitted, not_reachable or failed."""

    state: str
    detail: str
    at: datetime


def delivery_url(rt: Runtime, connection: StoreConnection) -> str:
    """Where the store delivers; empty when the portal has no address that a store could reach."""
    base = rt.settings.public_url or (rt.settings.base_url if rt.settings.demo else "")
    return f"{base}/webhooks/{connection.platform}/{connection.public_token}" if base else ""


def last_registration(connection: StoreConnection) -> Registration | None:
    """The outcome of the last attempt, kept beside the last connection test."""
    kept = (connection.last_test or {}).get("webhooks")
    try:
        return msgspec.convert(kept, Registration) if kept else None
    except msgspec.ValidationError:
        return None


def is_due(rt: Runtime, connection: StoreConnection, now: datetime) -> bool:
    """Whether to ask (again): webhooks exist, we are reachable, and the last attempt is a day old or never was."""
    if not manifest_of(connection.platform).webhook_topics or not delivery_url(rt, connection):
        return False
    last = last_registration(connection)
    return last is None or not connection.has_webhook_secret or now - last.at > AGAIN_AFTER


async def register_webhooks(rt: Runtime, org_id: UUID, connection_id: int) -> Registration:
    """Register what is missing at the store and record the outcome for the store's page. Raises only `Missing`."""
    now = rt.clock()
    async with tenant(rt.database, org_id) as scope:
        connection = await stores.load(scope, connection_id)
        declared = manifest_of(connection.platform)
        if not declared.webhook_topics:
            return Registration(
                state="not_permitted", detail=f"{declared.label} pushes nothing; changes are polled.", at=now
            )
        url = delivery_url(rt, connection)
        secret = await _secret(rt, scope, connection) if url else ""
    if not url:
        outcome = Registration(
            state="not_reachable", detail="The portal has no public address (PORTAL_PUBLIC_URL) to deliver to.", at=now
        )
        await _record(rt, connection, outcome, None)
        return outcome
    if not secret:
        label = next(each.label for each in declared.fields if each.name == declared.webhook_secret_field)
        detail = (
            f"{declared.label} signs its deliveries with the {label}, which is not entered. Enter it among the store's "
            "credentials to get changes within seconds; until then they come by polling."
        )
        outcome = Registration(state="not_permitted", detail=detail, at=now)
        await _record(rt, connection, outcome, None)
        return outcome
    if not may_write(connection):
        detail = (
            "The key may only read. Give it Read/Write to get changes within seconds; until then they come by polling."
        )
        outcome = Registration(state="not_permitted", detail=detail, at=now)
        await _record(rt, connection, outcome, None)
        return outcome
    try:
        connector = await stores.open_connector(rt, org_id, connection_id)
        topics = list(await connector.register_webhooks(url, secret))
    except Forbidden as error:
        outcome, topics = (
            Registration(state="not_permitted", detail=f"{error.message} {error.advice}".strip(), at=now),
            [],
        )
    except ConnectorError as error:
        outcome, topics = Registration(state="failed", detail=f"{error.message} {error.advice}".strip(), at=now), []
    except PortalError as error:
        outcome, topics = Registration(state="failed", detail=error.message, at=now), []
    else:
        wanted = set(declared.webhook_topics)
        missing = sorted(wanted - set(topics))
        detail = f"Not active: {', '.join(missing)}." if missing else "Changes arrive within seconds."
        outcome = Registration(state="partly" if missing else "registered", detail=detail, at=now)
    _log.info("webhooks_registered", connection_id=connection_id, state=outcome.state, topics=len(topics))
    await _record(rt, connection, outcome, topics)
    return outcome


def may_write(connection: StoreConnection) -> bool:
    """What the last connection test found of the permission to create webhooks; unknown counts as yes, trying tells."""
    if connection.last_test is None or "permissions" not in connection.last_test:  # never tested, only registered
        return True
    test = msgspec.convert(connection.last_test, ConnectionTest)
    return all(each.granted is not False for each in test.permissions if each.name == "write_webhooks")


async def _secret(rt: Runtime, scope: Any, connection: StoreConnection) -> str:
    """The connection's webhook secret, made (and saved before the store hears of it) on first use.

    Where the platform chooses it, it is one of the credentials, saved beside the others for the route that verifies;
    empty when the merchant has not entered it.
    """
    sealed = await scope.sql.fetchval(
        "SELECT webhook_secret FROM client_api_credentials WHERE id = $1 FOR NO KEY UPDATE", connection.id
    )
    known = await webhook_secret(rt, connection.org_id, connection, sealed)
    if given := manifest_of(connection.platform).webhook_secret_field:
        fresh = (await stores.credentials(rt, scope, connection)).get(given, "")
    else:
        fresh = known or secrets.token_urlsafe(32)
    if fresh == (known or ""):
        return fresh
    await scope.sql.execute(
        "UPDATE client_api_credentials SET webhook_secret = $2 WHERE id = $1",
        connection.id,
        await rt.vault.seal(connection.org_id, connection.webhook_field, fresh),
    )
    return fresh


async def _record(rt: Runtime, connection: StoreConnection, outcome: Registration, topics: list[str] | None) -> None:
    async with tenant(rt.database, connection.org_id) as scope:
        await scope.sql.execute(
            """UPDATE client_api_credentials SET webhook_topics = coalesce($3::text[], webhook_topics),
                 last_test = coalesce(last_test, '{}'::jsonb) || jsonb_build_object('webhooks', $2::jsonb)
               WHERE id = $1""",
            connection.id,
            msgspec.json.encode(outcome).decode(),
            topics,
        )
