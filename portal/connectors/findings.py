"""What a connector finds out about a store: the connection test's outcome, the webhooks there, an estimate's steps."""

from __future__ import annotations

from datetime import datetime

import msgspec


class PermissionResult(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    granted: bool | None  # None: could not be determined
    needed_for: str
    detail: str = ""


class StoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of itself. None: it did not say."""

    name: str | None = None
    currency: str | None = None
    timezone: str | None = None


class ConnectionTest(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a connection test: s1's `POST /api/superadmin/test-api-connection` body."""

    success: bool
    status: str  # "success", "warning" or an error word such as "auth_failed", "not_found", "unreachable"
    response_time: int  # milliseconds of the first answered request
    permissions: tuple[PermissionResult, ...] = ()
    sample: dict[str, int | None] = {}  # orders, products, customers: how many the store has; None unknown
    store: StoreFacts = StoreFacts()
    advice: tuple[str, ...] = ()
    expires_at: datetime | None = None  # when the credentials end by themselves; None: they do not, or nobody says
    clock_skew_s: int | None = None  # the store's clock minus ours, in seconds; None: it did not tell


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One stream's part of an estimate. `seconds` is the least that the platform's limits allow, None when nobody can tell;
    `slow` what it takes where the store itself is slow, None when that is not known to differ. `why` is the reckoning, in words.

    Where nobody can tell, `because` is the reason in a few words, for the headline; `rows` is what is known to be read, and
    `otherwise` the least that the way takes which is left when the usual one is refused.
    """

    stream: str
    seconds: float | None
    why: str
    slow: float | None = None
    because: str = ""
    rows: int | None = None
    otherwise: float | None = None


class WebhookThere(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of ours as the store lists it.

    `status`: active, paused (a person did that), disabled (the platform gave it up), refused (the key may not have it).
    """

    topic: str
    status: str = "active"
    delivery_url: str = ""
