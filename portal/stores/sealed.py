"""Secrets of a connection: one sealed JSON per row, bound to the organization and to the connection's token."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from portal.connectors.registry import manifest as manifest_of
from portal.foundation.runtime import Runtime
from portal.foundation.vault import mask
from portal.stores.connection import StoreConnection
from portal.tenancy.scope import Scope


def split(platform: str, credentials: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(settings that may be shown, secrets) by the manifest's declaration."""
    secret = {field.name for field in manifest_of(platform).fields if field.secret}
    known = {field.name for field in manifest_of(platform).fields}
    shown = {name: value for name, value in credentials.items() if name in known - secret}
    return shown, {name: value for name, value in credentials.items() if name in secret}


def secrets_field(token: str) -> str:
    """The vault's field name for the sealed secrets of the connection with this public token."""
    return f"client_api_credentials.secrets:{token}"


async def seal_secrets(rt: Runtime, org_id: UUID, token: str, secrets: Mapping[str, str]) -> bytes:
    """The secret fields as one sealed JSON."""
    return await rt.vault.seal(org_id, secrets_field(token), msgspec.json.encode(dict(secrets)).decode())


async def credentials(rt: Runtime, scope: Scope, connection: StoreConnection) -> dict[str, str]:
    """All fields in clear, for the connector alone: never log, render or return them. Raises `Unsealable`."""
    sealed = await scope.sql.fetchval("SELECT secrets FROM client_api_credentials WHERE id = $1", connection.id)
    opened = await rt.vault.open(connection.org_id, connection.secrets_field, bytes(sealed))
    return {**connection.settings, **msgspec.json.decode(opened, type=dict[str, str])}


async def shown(rt: Runtime, scope: Scope, connection: StoreConnection) -> dict[str, str]:
    """All fields as a form may show them: secrets masked."""
    clear = await credentials(rt, scope, connection)
    secret = {field.name for field in manifest_of(connection.platform).fields if field.secret}
    return {name: mask(value) if name in secret else value for name, value in clear.items()}


async def webhook_secret(rt: Runtime, org_id: UUID, connection: StoreConnection, sealed: bytes | None) -> str | None:
    """The connection's webhook secret in clear, None when there is none yet. Raises `Unsealable`."""
    return await rt.vault.open(org_id, connection.webhook_field, bytes(sealed)) if sealed else None
