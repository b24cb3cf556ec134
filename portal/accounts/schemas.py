"""What the token routes take and give."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

_Text = Annotated[str, Meta(max_length=1000)]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`password` needs email and password, `refresh_token` a refresh token; `org_id` chooses among your organizations."""

    grant_type: Literal["password", "refresh_token"]
    email: _Text = ""
    password: _Text = ""
    refresh_token: _Text = ""
    org_id: UUID | None = None


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in` in seconds, of the access token. The refresh token works once. `org_id` null: a superadmin at large."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    refresh_token: str
    org_id: UUID | None
    role: str


class RevokeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A refresh token whose sign-in ends; without it, that of the access token in the header."""

    refresh_token: _Text = ""


class RevokeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Also true for a token that was not known."""

    revoked: bool = True
