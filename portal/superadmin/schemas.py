"""What goes over the wire on the superadmin's documented routes."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from portal.connectors.findings import ConnectionTest, StoreFacts

Frequency = Literal["hourly", "every_6_hours", "daily", "weekly"]
Text = Annotated[str, Meta(max_length=200)]


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route without query parameters."""


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


class GrantedPermission(msgspec.Struct, frozen=True, kw_only=True):
    """`granted` null: it could not be determined."""

    name: str
    granted: bool | None
    needed_for: str


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """How many the store has; null is unknown."""

    orders: int | None = None
    products: int | None = None
    customers: int | None = None


class TestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of a connection test. `response_time` in milliseconds."""

    success: bool
    status: str
    response_time: int
    permissions: list[GrantedPermission]
    sample: Sample
    store: StoreFacts
    advice: list[str]


class FirstSync(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    status: str


class CreatedClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`invitation_url` only when the owner is invited instead of given a password."""

    client_id: UUID
    user_id: UUID
    connection_id: int
    connection_test: TestAnswer
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


def as_answer(test: ConnectionTest) -> TestAnswer:
    """A connection test as the documented body."""
    return TestAnswer(
        success=test.success,
        status=test.status,
        response_time=test.response_time,
        permissions=[
            GrantedPermission(name=found.name, granted=found.granted, needed_for=found.needed_for)
            for found in test.permissions
        ],
        sample=Sample(**{name: test.sample.get(name) for name in Sample.__struct_fields__}),
        store=test.store,
        advice=list(test.advice),
    )
