"""What a platform declares of itself: its form, permissions, streams and limits. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import msgspec

FieldType = Literal["text", "url", "secret", "select", "checkbox", "number", "textarea"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the credentials form. The page, the JSON route and validation are all generated from it."""

    name: str
    label: str
    type: FieldType = "text"
    required: bool = True
    secret: bool = False
    help: str = ""
    placeholder: str = ""
    default: str = ""
    options: tuple[str, ...] = ()
    advanced: bool = False  # shown folded under "Advanced"
    names_store: bool = False  # another value is another store: everything is read anew (so is every field of type url)
    # The secrets are sent there (as to every field of type url): whoever changes it enters them again.
    is_host: bool = False
    max_length: int = 2048


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A permission at the platform and what the portal needs it for. Not required: its absence is a finding, not a failure."""

    name: str
    label: str
    needed_for: str
    required: bool = True
    # What a key with this permission could do beyond what the portal needs. Flagged on the health page when it is granted.
    excess: str = ""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The ceiling the portal keeps to, shared by all processes: requests per second and burst."""

    per_second: float
    burst: int
    text: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of records. Streams are synced in the order of the manifest."""

    name: str
    label: str
    cursor: Literal["modified", "id", "full"]
    page_size: int = 100
    look_back: timedelta = timedelta(seconds=1)
    from_day: bool = False  # it can be read again from a day on: `Connector.since` gives the cursor for it
    every: timedelta | None = None  # at most this often, for streams without a cursor


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the portal shows and needs to know about a platform, as data."""

    platform: str  # the value of `platform_type`
    label: str
    summary: str
    fields: tuple[Field, ...]
    permissions: tuple[Permission, ...]
    streams: tuple[Stream, ...]
    rate_limit: RateLimit
    data_types: tuple[str, ...]
    docs_url: str  # a page of the portal's own help, e.g. "/docs/connectors/woocommerce"
    place: int = 100  # in forms and lists: smaller first, equal ones by label; the first is preselected
    setup_steps: tuple[str, ...] = ()
    webhook_topics: tuple[str, ...] = ()
    max_timeout: float = 30.0
    polled: bool = (
        True  # False: its rows come by hand; never scheduled, no credentials, not among the platforms of a form
    )
    # The credential that signs the platform's deliveries, where the platform and not the portal chooses the secret.
    webhook_secret_field: str = ""
    # When the platform gives a webhook up, as the end of "It switches a webhook off …".
    webhooks_end: str = "after repeated failures"

    # What the installation gives a connection that brings none of its own: field name -> name of the setting.
    installation: Mapping[str, str] = {}

    @property
    def address_fields(self) -> tuple[str, ...]:
        """The fields that say which store it is."""
        return tuple(field.name for field in self.fields if field.type == "url" or field.names_store)
