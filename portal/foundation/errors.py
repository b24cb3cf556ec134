"""One family of errors. Renderers per route family live in `foundation/web/envelopes.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.foundation.redaction import redact


class PortalError(Exception):
    """An error a caller is told about.

    `status` is the HTTP status, `code` a stable upper-snake word for programs, `message` one sentence for people,
    `details` what is wrong and what would be right, by field where there are fields. Nothing secret goes in.
    """

    status = 500
    code = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.details: dict[str, Any] = dict(details or {})
        self.headers: dict[str, str] = dict(headers or {})


class BadRequest(PortalError):
    """400: the request itself is malformed (unparsable body, unknown query value)."""

    status, code = 400, "BAD_REQUEST"


class Unauthenticated(PortalError):
    """401: no credentials, or credentials that are malformed, expired or revoked."""

    status, code = 401, "UNAUTHENTICATED"


class NotAllowed(PortalError):
    """403: known, but not allowed to do this."""

    status, code = 403, "FORBIDDEN"


class Missing(PortalError):
    """404: not there for this principal (other tenants' things do not exist for them)."""

    status, code = 404, "NOT_FOUND"


class Conflict(PortalError):
    """409: the state of things forbids it now."""

    status, code = 409, "CONFLICT"


class TooLarge(PortalError):
    """413: the body is larger than the route accepts."""

    status, code = 413, "TOO_LARGE"


class WrongType(PortalError):
    """415: the body's content type is not one the route reads."""

    status, code = 415, "UNSUPPORTED_MEDIA_TYPE"


class Invalid(PortalError):
    """422: well-formed but invalid; `fields` maps each field to what is wrong and what would be right."""

    status, code = 422, "INVALID"

    def __init__(self, message: str, fields: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(message, details={"fields": dict(fields)}, **kwargs)
        self.fields = dict(fields)


class TooMany(PortalError):
    """429: the rate limit of this principal and route family is used up; `retry_after` in seconds."""

    status, code = 429, "RATE_LIMITED"

    def __init__(self, message: str, retry_after: int, **kwargs: Any) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)}, **kwargs)
        self.retry_after = retry_after


class DependencyAway(PortalError):
    """503: a dependency of ours (the database) is away; the client may try again shortly."""

    status, code = 503, "TEMPORARILY_UNAVAILABLE"


class StartupError(PortalError):
    """The process cannot start; the message is one sentence that says what to do."""

    code = "STARTUP"


class ConnectorError(PortalError):
    """A platform did not give what was asked. `advice` is what the merchant or agency can do about it.

    The message is kept and shown, and may quote the platform: it loses whatever looks like a secret.
    """

    status, code = 502, "PLATFORM_ERROR"

    def __init__(self, message: str, advice: str = "", **kwargs: Any) -> None:
        super().__init__(redact(message), **kwargs)
        self.advice = advice
        if advice:
            self.details.setdefault("advice", advice)


class AuthFailed(ConnectorError):
    """The platform refused the credentials (wrong, expired or revoked)."""

    status, code = 422, "PLATFORM_AUTH_FAILED"


class Forbidden(ConnectorError):
    """The credentials are known but lack a permission."""

    status, code = 422, "PLATFORM_FORBIDDEN"


class NotFound(ConnectorError):
    """The address answers, but not as the platform's API (wrong site address or version), or the object is gone."""

    status, code = 422, "PLATFORM_NOT_FOUND"


class RateLimited(ConnectorError):
    """The platform asks us to slow down; `retry_after` in seconds, None when it did not say."""

    status, code = 502, "PLATFORM_RATE_LIMITED"

    def __init__(self, message: str, advice: str = "", retry_after: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, advice, **kwargs)
        self.retry_after = retry_after


class Temporary(ConnectorError):
    """The platform failed in a way that usually passes (5xx, cut connection, silence). Safe to try again."""

    status, code = 502, "PLATFORM_UNAVAILABLE"


class Permanent(ConnectorError):
    """Trying again will not help (a refused address, a certificate, a body that is not what was asked for)."""

    status, code = 422, "PLATFORM_PERMANENT"
