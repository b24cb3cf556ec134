"""What a connection test says when it could not begin."""

from __future__ import annotations

import asyncio

from portal.connectors.findings import ConnectionTest, PermissionResult
from portal.foundation.errors import (
    AuthFailed,
    ConnectorError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Temporary,
)

_CODES = {"PLATFORM_FROZEN": "frozen", "PLATFORM_LOCKED": "locked"}
_REASONS = {  # of the transport, more exact than the kind of error
    "timeout": "timeout",
    "certificate": "certificate_error",
    "tls": "certificate_error",
    "private_address": "address_refused",
    "dns": "unreachable",
}
_KINDS: tuple[tuple[type[ConnectorError], str], ...] = (
    (AuthFailed, "auth_failed"),
    (Forbidden, "forbidden"),
    (NotFound, "not_found"),
    (RateLimited, "rate_limited"),
    (Temporary, "unreachable"),
    (Permanent, "error"),
)


def untested(wrong: ConnectorError, started: float, permissions: tuple[PermissionResult, ...] = ()) -> ConnectionTest:
    """The result of a test that ended with `wrong`: the most exact word for it, and its advice. `started`: the loop's time."""
    by_kind = next((word for kind, word in _KINDS if isinstance(wrong, kind)), "error")
    elapsed = asyncio.get_running_loop().time() - started
    return ConnectionTest(
        success=False,
        status=_CODES.get(wrong.code) or _REASONS.get(str(wrong.details.get("reason")), by_kind),
        response_time=round(elapsed * 1000),
        permissions=permissions,
        sample={"orders": None, "products": None, "customers": None},
        advice=tuple(part for part in (wrong.message, wrong.advice) if part),
    )
