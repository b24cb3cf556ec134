"""Secrets typed into a form that came back with errors. They are not sent to the browser again in clear: the form carries
them sealed, bound to the user and short-lived, so nothing typed is lost and nothing readable leaves the server."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from portal.foundation.keyring import derive, master_keys
from portal.foundation.settings import Settings

LIFE = 3600  # seconds


def seal_draft(settings: Settings, user_id: UUID | None, secrets: Mapping[str, str]) -> str:
    """The secrets as an opaque text for a hidden field; empty when there are none."""
    kept = {name: value for name, value in secrets.items() if value}
    if not kept:
        return ""
    return _box(settings).encrypt(msgspec.json.encode({"user": str(user_id), "secrets": kept})).decode()


def open_draft(settings: Settings, user_id: UUID | None, sealed: str) -> dict[str, str]:
    """The secrets of a draft, empty when it is missing, old, somebody else's or tampered with."""
    if not sealed:
        return {}
    try:
        found = msgspec.json.decode(_box(settings).decrypt(sealed.encode(), ttl=LIFE))
    except (InvalidToken, msgspec.DecodeError):
        return {}
    return dict(found["secrets"]) if found["user"] == str(user_id) else {}


def _box(settings: Settings) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive(master_keys(settings)[0], "form drafts")))
