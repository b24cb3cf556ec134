"""Secrets typed into a form that came back with errors. They are not sent to the browser again in clear: the form carries
them sealed, bound to the user and to what they are about, and short-lived, so nothing typed is lost and nothing readable leaves
the server."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from portal.foundation.keyring import derive, master_keys
from portal.foundation.settings import Settings

LIFE = 3600  # seconds


def seal_draft(settings: Settings, user_id: UUID | None, about: str, secrets: Mapping[str, str]) -> str:
    """What others must not read, `about` a platform or a page, as an opaque text; empty when there is nothing."""
    kept = {name: value for name, value in secrets.items() if value}
    if not kept:
        return ""
    told = {"user": str(user_id), "about": about, "secrets": kept}
    return _box(settings).encrypt(msgspec.json.encode(told)).decode()


def open_draft(
    settings: Settings, user_id: UUID | None, about: str, sealed: str, *, common: Collection[str] = ()
) -> dict[str, str]:
    """The secrets of a draft, empty when it is missing, old, somebody else's or tampered with.

    One about another platform gives only those in `common`, which are the form's own: its key under a field of the same name
    here would be sent to whoever this address belongs to.
    """
    if not sealed:
        return {}
    try:
        found = msgspec.json.decode(_box(settings).decrypt(sealed.encode(), ttl=LIFE))
    except (InvalidToken, msgspec.DecodeError):
        return {}
    if found["user"] != str(user_id):
        return {}
    same = found.get("about") == about
    return {name: value for name, value in found["secrets"].items() if same or name in common}


def _box(settings: Settings) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive(master_keys(settings)[0], "form drafts")))
