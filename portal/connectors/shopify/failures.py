"""What a refusing answer means: HTTP status, GraphQL errors and user errors -> connector errors, each with the next step."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from portal.connectors.shopify.values import text
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, NotFound, Permanent, RateLimited, Temporary
from portal.foundation.outbound import retry_after_seconds

APPS = "Shopify Admin → Apps → App and sales channel settings → Develop apps"
CHECK_TOKEN = (
    f"Check access token: open {APPS}, choose the app, and install it again to get a new one; then paste it here."
)
CHECK_SCOPES = (
    f"Verify app permissions/scopes: {APPS} → the app → Configuration → Admin API integration; then install it again."
)
CHECK_SHOP = "Check the shop domain: it looks like mystore.myshopify.com (Settings → Domains in the Shopify admin)."
REPORT = "This is a mistake of the portal or a change at Shopify: please report this message to the portal's operator."
BY_ITSELF = "Nothing to do: the sync waits and goes on by itself."


class TokenRefused(AuthFailed):
    """401: the token is unknown, expired or revoked. Tokens of the 24-hour kind are then renewed once."""


class Throttled(RateLimited):
    """The bucket of points is empty; said with HTTP 200."""


class FieldRefused(Forbidden):
    """A field that the app may not read; `path` are the names that lead to it, empty when Shopify did not say."""

    path: tuple[str, ...] = ()


class TooCostly(Permanent):
    """One query would cost more than Shopify allows for one; a smaller page may pass."""


class CursorRefused(Permanent):
    """The position in a list is no longer understood; the list is read from its beginning."""


def of_status(status: int, headers: dict[str, str], body: bytes) -> ConnectorError:
    """The error for an answer whose status is not 200. `headers` has lower-case names."""
    if status in {301, 302, 303, 307, 308}:
        host = text(urlsplit(headers.get("location", "")).hostname, 200)
        to = f" Enter {host} as shop domain." if host else ""
        return Permanent("The shop has moved to another address, and a token is not sent along.", f"{CHECK_SHOP}{to}")
    if status == 401:
        return TokenRefused("Shopify does not accept the access token.", CHECK_TOKEN)
    if status == 402:
        return Permanent(
            "The shop is frozen: its Shopify bill is unpaid.",
            "The shop's owner has to settle it under Settings → Billing; the sync then goes on by itself.",
            code="PLATFORM_FROZEN",
        )
    if status == 403:
        return Forbidden("The app may not read this shop.", CHECK_SCOPES)
    if status == 404:
        return NotFound("There is no Shopify shop at this address.", CHECK_SHOP)
    if status == 423:
        return Permanent(
            "The shop is locked by Shopify.",
            "Its owner has to contact Shopify Support (help.shopify.com) to unlock it.",
            code="PLATFORM_LOCKED",
        )
    if status in {429, 430}:
        return RateLimited("Shopify asks to slow down.", BY_ITSELF, retry_after_seconds(headers))
    if status >= 500:
        return Temporary(
            f"Shopify failed with error {status}.",
            "The sync tries again by itself. If it persists, look at shopifystatus.com.",
        )
    return Permanent(f"Shopify refused the request ({status}): {_first(body)}"[:300], REPORT)


def of_errors(errors: object) -> ConnectorError | None:
    """The error behind `errors` of an answer with status 200, None when there are none."""
    rows = errors if isinstance(errors, list) else [errors] if errors else []
    found = [_of_error(row) for row in rows]
    # What ends everything weighs more than what ends one field.
    for kind in (TokenRefused, Throttled, TooCostly, CursorRefused, Forbidden, Temporary, Permanent):
        for each in found:
            if isinstance(each, kind):
                return each
    return None


def of_user_errors(payload: object, what: str) -> None:
    """Raises `Permanent` when a mutation answered with `userErrors`."""
    rows = payload.get("userErrors") if isinstance(payload, dict) else None
    if isinstance(rows, list) and rows:
        told = "; ".join(text(row.get("message"), 150) for row in rows if isinstance(row, dict))
        raise Permanent(f"Shopify did not {what}: {told}"[:400], REPORT)


def http_date(given: str) -> datetime | None:
    """An HTTP date as aware UTC, None when absent or unreadable."""
    try:
        moment = parsedate_to_datetime(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _of_error(row: object) -> ConnectorError:
    told = row if isinstance(row, dict) else {"message": row}
    said = text(told.get("message"), 250)
    extensions = told.get("extensions")
    code = text(extensions.get("code"), 60) if isinstance(extensions, dict) else ""
    if code == "THROTTLED" or said == "Throttled":
        return Throttled("Shopify asks to slow down.", BY_ITSELF)
    if code == "MAX_COST_EXCEEDED":
        return TooCostly(f"The query costs too much: {said}", REPORT)
    if code == "ACCESS_DENIED":
        scope = re.search(r"`?((?:read|write)_[a-z_]+)`?", said)
        needs = f" It needs {scope.group(1)}." if scope else ""
        path = _path(told)
        refused = FieldRefused(
            f"The app may not read {path[-1] if path else 'all that is needed'}.{needs}", CHECK_SCOPES
        )
        refused.path = path
        return refused
    if code == "SHOP_INACTIVE":
        return Permanent("The shop is closed or paused.", "Its owner has to choose a plan again: Settings → Plan.")
    if code in {"INTERNAL_SERVER_ERROR", "TIMEOUT"} or said.startswith("Internal error"):
        return Temporary(f"Shopify failed: {said or code}", "The sync tries again by itself.")
    if "nvalid cursor" in said:
        return CursorRefused("Shopify does not know the position in the list any more.", BY_ITSELF)
    return Permanent(f"Shopify did not understand the query: {said or code}", REPORT)


def _path(told: dict[str, object]) -> tuple[str, ...]:
    path = told.get("path")
    return tuple(text(each, 60) for each in path if isinstance(each, str)) if isinstance(path, list) else ()


def _first(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "no reason given"
    errors = told.get("errors") if isinstance(told, dict) else None
    if isinstance(errors, list) and errors:
        errors = errors[0].get("message") if isinstance(errors[0], dict) else errors[0]
    return text(errors, 200) if isinstance(errors, str) else "no reason given"
