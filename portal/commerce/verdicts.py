"""Which copy of a thing counts when copies arrive twice, late or in the wrong order. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

SLACK = timedelta(minutes=5)
"""A deletion is dated by when the portal heard of it, a copy by the store's clock: within this they cannot be compared, and
the later arrival is believed. A restored order ("Undo") is dated seconds around the deletion; clocks of hosts differ by more."""


class Stored(NamedTuple):
    """What the ledger has: the version, its digest, when its deletion was heard of and when this copy arrived."""

    modified_at: datetime
    content: bytes
    deleted_at: datetime | None
    arrived_at: datetime


class Verdict(Enum):
    STALE = 0  # older than what is stored, or the very same: nothing to do
    TOUCHED = 1  # newer, but only its date: kept, tells nobody
    CHANGED = 2
    NEW = 3


def verdict(modified_at: datetime, content: bytes, stored: Stored | None, asked_at: datetime | None = None) -> Verdict:
    """Only if newer, or equally old with other content (a store dates changes by the second, or not at all).

    `asked_at`: the store was asked for exactly this row then. Its answer stands over every copy that had arrived before,
    also a newer-dated one: a store restored from a backup dates its rows back, and a deletion may have been a mistake.
    """
    if stored is None:
        return Verdict.NEW
    if asked_at is not None and stored.arrived_at < asked_at:
        same = content == stored.content and deletion(modified_at, stored, asked_at=asked_at) == stored.deleted_at
        if same:
            return Verdict.STALE if modified_at == stored.modified_at else Verdict.TOUCHED
        return Verdict.CHANGED
    if modified_at < stored.modified_at or (modified_at == stored.modified_at and content == stored.content):
        return Verdict.STALE
    if content == stored.content and deletion(modified_at, stored) == stored.deleted_at:
        return Verdict.TOUCHED
    return Verdict.CHANGED


def deletion(
    modified_at: datetime, stored: Stored | None, early: datetime | None = None, asked_at: datetime | None = None
) -> datetime | None:
    """The `deleted_at` an accepted copy is stored with: a newer copy dated after the deletion brings the thing back, and so
    does one the store gave when it was asked for it after the deletion was heard of (`asked_at`).

    `early` is a deletion heard of before the thing itself.
    """
    if stored is None:
        kept = early is not None and modified_at <= early - SLACK and (asked_at is None or early >= asked_at)
        return early if kept else None
    deleted_at = stored.deleted_at
    if deleted_at is not None and asked_at is not None and deleted_at < asked_at:
        return None
    if deleted_at is None or (modified_at > stored.modified_at and modified_at > deleted_at - SLACK):
        return None
    return deleted_at


def deletes(deleted_at: datetime, stored: Stored) -> bool:
    """Whether a deletion heard of at `deleted_at` says something new of the stored copy; an old one, re-read late, does not."""
    known = stored.deleted_at
    return stored.modified_at <= deleted_at + SLACK and (known is None or known < deleted_at)
