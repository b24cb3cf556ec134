"""What a refusing answer means: Amazon's error codes -> connector errors, each with advice and the next step."""

from __future__ import annotations

import msgspec

from portal.connectors.amazon.rates import Operation
from portal.connectors.values import text
from portal.foundation.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Temporary,
)
from portal.foundation.outbound import retry_after_seconds

APPS = "Seller Central → Apps & Services → Develop Apps"
REAUTHORISE = (
    f"Authorise the application again: open {APPS}, click Authorize beside the application, and paste the new refresh "
    "token here."
)
NEW_SECRET = (
    f"Open {APPS} → View under LWA credentials, compare the client ID, rotate the secret if it is older than 180 days, and "
    "enter both again."
)
_ROLES = {
    "orders": "Inventory and Order Tracking",
    "reports": "Inventory and Order Tracking",
    "fba": "Amazon Fulfillment",
    "finances": "Finance and Accounting",
    "sellers": "Selling Partner Insights",
}


class Told(msgspec.Struct):
    """One error of the body's list."""

    code: object = ""
    message: object = ""
    details: object = ""


class _Errors(msgspec.Struct):
    errors: list[Told] = []


class _LwaError(msgspec.Struct):
    error: object = ""
    error_description: object = ""


class StaleToken(Permanent):
    """The page token is no longer good: the reading starts over from the last mark."""


def failure(status: int, headers: dict[str, str], body: bytes, operation: Operation, *, paging: bool) -> ConnectorError:
    """The error for an answer of the API that is not 2xx. `paging`: the request carried a page token.

    Called for a 403 only when a token made this minute was refused too: then it is a role that is missing, unless Amazon
    speaks of the token itself.
    """
    told = _told(body)
    code, said = text(told.code, 60), text(told.message, 300)
    if status in {401, 403}:
        return _refused(operation, code, text(told.details, 300) or said)
    if status == 429:
        return RateLimited(
            f"Amazon asks to slow down ({operation.name}).",
            "Nothing to do: the sync waits and goes on by itself.",
            retry_after_seconds(headers) or operation.refill_seconds,  # a 429 says neither a rate nor a time
        )
    if status == 404:
        return NotFound(
            f"Amazon does not know what was asked for ({operation.name}).",
            "Nothing to do if it is a report of long ago; otherwise report this message.",
            code="PLATFORM_GONE",
        )
    if status >= 500:
        return Temporary(
            f"Amazon failed with error {status} ({operation.name}).",
            "The sync tries again by itself. If it persists, look at Amazon's SP-API health dashboard.",
        )
    if status == 400 and paging:
        return StaleToken("Amazon no longer knows the page it named.", "Nothing to do: the reading starts over.")
    return Permanent(
        f"Amazon refused the request ({operation.name}, {status} {code or 'without a reason'}): {said}"[:500],
        "Check the marketplace IDs; if it persists, report this message.",
    )


def lwa_failure(status: int, body: bytes) -> ConnectorError:
    """The error for an answer of Login with Amazon that is not a token."""
    try:
        told = msgspec.json.decode(body, type=_LwaError)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = _LwaError()
    code = text(told.error, 60)
    if code == "invalid_grant":
        return AuthFailed(
            "Amazon no longer accepts the refresh token: the authorisation was revoked or has expired.",
            REAUTHORISE,
            code="PLATFORM_REVOKED",
        )
    if code in {"invalid_client", "unauthorized_client"}:
        return AuthFailed("Amazon does not accept the LWA client ID and secret of the application.", NEW_SECRET)
    if status == 429:
        return RateLimited("Login with Amazon asks to slow down.", "Nothing to do: it goes on by itself.", 30.0)
    if status >= 500:
        return Temporary(f"Login with Amazon failed with error {status}.", "It is tried again by itself.")
    return AuthFailed(f"Login with Amazon refused the application ({status} {code or 'without a reason'}).", NEW_SECRET)


def _refused(operation: Operation, code: str, said: str) -> ConnectorError:
    if "access token" in said.lower():
        return AuthFailed(f"Amazon does not accept the access token: {said}", REAUTHORISE)
    if not code:
        return AuthFailed("Amazon refused the request without a reason.", REAUTHORISE)
    role = _ROLES.get(operation.family, "the needed one")
    return Forbidden(
        f"The application may not use {operation.name} for this account.",
        f"In {APPS}, edit the application and tick the role {role!r}; then authorise it again, because a role counts only "
        "for refresh tokens made after it was added.",
    )


def _told(body: bytes) -> Told:
    try:
        found = msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Told()
    return found[0] if found else Told()
