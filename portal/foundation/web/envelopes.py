"""One exception type in the code, one renderer per route family.

The families and their bodies are documented in `docs/api.md`; correlation is the `X-Request-Id` header, never the body.
"""

from __future__ import annotations

from typing import Any

import msgspec

from portal.foundation.errors import PortalError

_encoder = msgspec.json.Encoder(decimal_format="number")
_S3 = ("/api/dashboard/comprehensive", "/api/agents/", "/api/subscriptions/", "/api/dashboard/admin/")


def encode(value: Any) -> bytes:
    """JSON bytes; a Decimal is a number with the digits it has, never a float."""
    return _encoder.encode(value)


def family_of(path: str) -> str:
    """`wrapped` (`/v1/*`), `detail` (the comprehensive dashboard's family), `plain` (other JSON routes) or `page`."""
    if path.startswith("/v1/"):
        return "wrapped"
    if path.startswith(_S3):
        return "detail"
    if path.startswith(("/api/", "/openapi", "/healthz", "/readyz", "/metrics", "/webhooks/", "/_")):
        return "plain"
    return "page"


def error_body(path: str, error: PortalError) -> dict[str, Any]:
    """The error's JSON body in the envelope of `path`'s family."""
    family = family_of(path)
    if family == "wrapped":
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        if error.details:
            body["details"] = error.details
        return {"success": False, "error": body}
    if family == "detail":
        if error.status == 401:
            return {"detail": error.message, "status": 401}
        return {"error": error.code, "message": error.message, "status": error.status}
    return {"error": error.message, "details": {"code": error.code, **error.details}}


def success_body(path: str, data: Any) -> Any:
    """`data` in the success envelope of `path`'s family."""
    return {"success": True, "data": data} if family_of(path) == "wrapped" else data
