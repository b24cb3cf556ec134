"""What a refusing answer means: WooCommerce's error codes -> connector errors, each with advice and the next step."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

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

KEYS = "WooCommerce → Settings → Advanced → REST API"
CHECK_KEY = (
    f"Check consumer key/secret: open {KEYS} and compare the last letters of the key; when in doubt add a new key "
    "and paste both parts again."
)
CHECK_URL = (
    "Verify site URL and API version: the address must be the shop's own (with its folder, if it lives in one), and "
    "Settings → Permalinks in WordPress must not be set to Plain."
)
FIREWALL = (
    "A security plug-in or firewall in front of the shop turned the request away. Allow requests to /wp-json/wc/ "
    "from this portal's address."
)
NOT_JSON = (
    "The shop answered with something else than data. Open the site URL followed by /wp-json/ in a browser: it must show "
    "text that begins with {. A maintenance page, a login wall or PHP warnings (set WP_DEBUG_DISPLAY to false) get in the way."
)

_TAGS = re.compile(r"<[^>]*>")  # WordPress writes some messages as HTML


class KeyUnseen(AuthFailed):
    """The shop saw no key it knows: the key is unknown, or its host stripped the Authorization header."""


class SignatureUnknown(AuthFailed):
    """The shop knows OAuth 1.0a, but not the hash the request was signed with."""


class Told(msgspec.Struct):
    """The body of a WordPress error."""

    code: object = ""
    message: object = ""
    data: object = None


def failure(status: int, headers: dict[str, str], body: bytes, path: str) -> ConnectorError:
    """The error for an answer that is not 2xx. `headers` has lower-case names."""
    told = _told(body)
    code, said = text(told.code, 120), _TAGS.sub("", text(told.message, 300)).strip()
    if status in {301, 302, 303, 307, 308}:
        return _moved(headers.get("location", ""))
    if status == 401:
        return _unauthorised(code, said)
    if status == 403:
        if code:
            return Forbidden(
                f"The shop does not let this key read {path}.",
                f"The key's user lacks the right. In {KEYS}, edit the key and choose an administrator or shop manager.",
            )
        return Forbidden("The shop's host refuses the request.", FIREWALL)
    if status in {404, 410}:
        return _absent(code, path)
    if status == 429:
        return RateLimited(
            "The shop asks to slow down.",
            "Nothing to do: the sync waits and goes on by itself.",
            retry_after(headers),
        )
    if status == 413:
        return Permanent(
            "The shop's host finds the request too large.", "Ask the host to raise its limits.", status=413
        )
    if status >= 500 and status != 501:
        return Temporary(
            f"The shop failed with error {status}{f' ({said})' if said else ''}.",
            "The sync tries again by itself. If it persists, look at WooCommerce → Status → Logs, or ask the shop's host.",
        )
    return Permanent(
        f"The shop refused the request ({status} {code or 'without a reason'}): {_params(told) or said}"[:500],
        "Update WooCommerce to a current version and try again; if it persists, report this message.",
    )


def retry_after(headers: dict[str, str]) -> float | None:
    """Seconds to wait after a 429, from a number or a date; None when the shop did not say."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:6])
    moment = http_date(given)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def http_date(given: str) -> datetime | None:
    """An HTTP date as aware UTC, None when absent or unreadable."""
    try:
        moment = parsedate_to_datetime(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _unauthorised(code: str, said: str) -> ConnectorError:
    if "write permissions" in said:
        return Forbidden(
            "The key is read-only.",
            f'For live updates set its permissions to "Read/Write" in {KEYS}.',
            code="PLATFORM_READ_ONLY",
        )
    if "read permissions" in said:
        return Forbidden("The key may only write.", f'Set its permissions to "Read/Write" in {KEYS}.')
    if code == "woocommerce_rest_authentication_error" and "imestamp" in said:
        return AuthFailed("The shop's clock differs from ours.", "Ask the host to set the server's clock (NTP).")
    if "signature method" in said:
        return SignatureUnknown(f"The shop does not accept the signature: {said}", CHECK_KEY)
    if code == "woocommerce_rest_authentication_error":
        return AuthFailed(f"The shop does not accept the consumer secret: {said}", CHECK_KEY)
    if code.startswith("woocommerce_rest_cannot"):
        return KeyUnseen("The shop does not know the consumer key.", CHECK_KEY)
    if not code:
        return AuthFailed(
            "The shop's host asks for a password of its own.",
            f"Remove the password protection in front of the site, or exempt /wp-json/. {CHECK_KEY}",
        )
    return AuthFailed(f"The shop did not accept the key ({code}): {said}", CHECK_KEY)


def _absent(code: str, path: str) -> ConnectorError:
    if code == "rest_no_route":
        return NotFound(
            f"WordPress answers, but knows no {path} in this API version.", CHECK_URL, code="PLATFORM_NO_ROUTE"
        )
    if code.endswith(("_invalid_id", "_invalid_term")):
        return NotFound(
            "The object is gone from the shop.", "Nothing to do: it was deleted in WooCommerce.", code="PLATFORM_GONE"
        )
    return NotFound("There is no WooCommerce API at this address.", CHECK_URL)


def _moved(location: str) -> ConnectorError:
    target = text(location, 300)
    to = target.split("/wp-json")[0].split("?")[0]
    return Permanent(
        "The shop redirects elsewhere, and a key is not sent along.",
        f"Enter the address the shop redirects to as site URL: {to}" if to else CHECK_URL,
    )


def _told(body: bytes) -> Told:
    try:
        return msgspec.json.decode(body.lstrip(b"\xef\xbb\xbf \t\r\n"), type=Told)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return Told()


def _params(told: Told) -> str:
    params = told.data.get("params") if isinstance(told.data, dict) else None
    return "; ".join(f"{name}: {text(why, 120)}" for name, why in params.items()) if isinstance(params, dict) else ""
