"""Cross-site request forgery: a token in the form or header, and where the browser says the request comes from.

A signed-in page's token belongs to its session. Before sign-in (login, invitation) it belongs to a random cookie, so
that nobody can be signed in to somebody else's account from another site.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from quart import g, request

from portal.accounts.principal import Standing
from portal.accounts.secrets import form_token, signing_keys
from portal.foundation.errors import NotAllowed
from portal.foundation.runtime import Runtime

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def anonymous_cookie(secure: bool) -> str:
    """The name of the cookie that a page before sign-in ties its forms to."""
    return "__Host-portal-form" if secure else "portal_form"


def current_token(rt: Runtime, standing: Standing | None) -> str:
    """The token for this page's forms; before sign-in it makes the cookie that belongs to it."""
    if standing is not None:
        return standing.principal.csrf_token
    name = anonymous_cookie(rt.settings.secure_cookies)
    value = request.cookies.get(name, "")
    if not 20 <= len(value) <= 100:
        value = getattr(g, "form_cookie", "") or secrets.token_urlsafe(24)
        g.form_cookie = value
    return form_token(signing_keys(rt.settings).forms, value)


async def check(rt: Runtime, standing: Standing | None) -> None:
    """Raises `NotAllowed` unless this unsafe request comes from a page of ours."""
    if not same_origin(rt, request.headers, request.scheme):
        raise NotAllowed(
            "The request came from another site.", code="CROSS_SITE", details={"advice": "Open the portal itself."}
        )
    sent = request.headers.get("X-CSRF-Token", "")
    if not sent and request.mimetype in _FORMS:
        sent = (await request.form).get("csrf_token", "")
    wanted = [standing.principal.csrf_token] if standing is not None else []
    if cookie := request.cookies.get(anonymous_cookie(rt.settings.secure_cookies), ""):
        wanted.append(form_token(signing_keys(rt.settings).forms, cookie[:100]))
    if not any(token and hmac.compare_digest(token.encode(), sent.encode()) for token in wanted):
        raise NotAllowed(
            "The form is out of date.",
            code="CSRF",
            details={"advice": "Go back, reload the page and send it again. Nothing was changed."},
        )


def same_origin(rt: Runtime, headers: Any, scheme: str) -> bool:
    """Whether the browser says that this request comes from a page of ours (or says nothing)."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("Origin")
    if origin is None:
        return True
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    host = urlsplit(f"//{headers.get('Host', '')}").netloc
    return origin in {rt.settings.public_url or None, f"{scheme}://{host}"}
