"""Amazon's refusals."""

from __future__ import annotations

_DENIED = "Access to requested resource is denied."


class Refused(Exception):
    """A request is turned away: HTTP status, code, message, details."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"errors": [{"code": code, "message": message, "details": details}]}


def bad_token() -> Refused:
    """An access token that is expired, revoked or none."""
    return Refused(403, "Unauthorized", _DENIED, "The access token you provided has expired.")


def no_role() -> Refused:
    """The application lacks the role; nothing says which."""
    return Refused(403, "Unauthorized", _DENIED)


def throttled() -> Refused:
    return Refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def bad_input(message: str) -> Refused:
    return Refused(400, "InvalidInput", message)


def missing(message: str = "The requested resource does not exist.") -> Refused:
    return Refused(404, "NotFound", message)
