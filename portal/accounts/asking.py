"""Who asks, as the gate found out for the current request or WebSocket."""

from __future__ import annotations

from quart import g, has_websocket_context, request, websocket

from portal.accounts.principal import Principal, Standing
from portal.foundation.errors import Unauthenticated


def principal() -> Principal:
    """Who asks. Raises `Unauthenticated` on a public route with nobody signed in."""
    standing = current_standing()
    if standing is None:
        raise Unauthenticated("Sign in first.")
    return standing.principal


def maybe_principal() -> Principal | None:
    """Who asks on a public route, None when nobody is signed in."""
    standing = current_standing()
    return None if standing is None else standing.principal


def current_standing() -> Standing | None:
    """The principal with its organizations; None when nobody is signed in."""
    found: Standing | None = getattr(g, "standing", None)
    return found


def request_id() -> str:
    """The current request's id, also in its answer's `X-Request-Id`."""
    return str(getattr(g, "request_id", ""))


def client_address() -> str:
    """The client's address (proxies counted by PORTAL_TRUSTED_PROXIES)."""
    asked = websocket if has_websocket_context() else request
    return asked.remote_addr or ""
