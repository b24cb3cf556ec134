"""What goes over the wire on the superadmin's documented routes."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from portal.connectors.base import ConnectionTest

Frequency = Literal["hourly", "every_6_hours", "daily", "weekly"]
Text = Annotated[str, Meta(max_length=200)]


class NewClientBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/superadmin/clients/api-integration`. Either `password` or `invite: true`."""

    company_name: Text
    email: Annotated[str, Meta(max_length=254)]
    platform_type: Text
    connection_name: Annotated[str, Meta(max_length=100)] = "Main store"
    credentials: dict[str, str | bool | int]
    sync_frequency: Frequency = "hourly"
    password: Annotated[str, Meta(max_length=256)] | None = None
    invite: bool = False


class TestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/superadmin/test-api-connection`."""

    platform_type: Text
    credentials: dict[str, str | bool | int]


class FirstSync(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    status: str


class CreatedClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`invitation_url` only when the owner is invited instead of given a password."""

    client_id: UUID
    user_id: UUID
    connection_id: int
    connection_test: ConnectionTest
    first_sync: FirstSync
    invitation_url: str | None = None


class CreatedClientBody(msgspec.Struct, frozen=True, kw_only=True):
    success: bool
    data: CreatedClient


class PlatformField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    label: str
    type: str
    required: bool
    secret: bool
    help: str
    placeholder: str


class PlatformPermission(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    label: str
    needed_for: str
    required: bool


class PlatformBody(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    label: str
    fields: list[PlatformField]
    permissions: list[PlatformPermission]
    rate_limit: str
    data_types: list[str]
    docs_url: str


class PlatformsBody(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/superadmin/api-platforms`."""

    platforms: list[PlatformBody]


def as_credentials(values: dict[str, str | bool | int]) -> dict[str, str]:
    """Form-like text values: JSON true/false become "true"/"false"."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
