"""Where a browser is sent instead of being told no: to sign in, to a new password, to the list of clients.

Programs get the error.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from quart import Response, flash, redirect, request

from portal.foundation.errors import BadRequest, NotAllowed, Unauthenticated
from portal.foundation.web.envelopes import family_of
from portal.foundation.web.requests import wants_html


def sign_in_first(error: Unauthenticated) -> Response:
    """To the sign-in page, and back afterwards. Raises `error` where a program asks."""
    if not _browser():
        raise error
    if "HX-Request" in request.headers:
        back = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        return Response("", 401, {"HX-Redirect": f"/login?next={quote(back)}", "Cache-Control": "no-store"})
    back = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect("/login" if back == "/" else f"/login?next={quote(back)}", 303)  # type: ignore[return-value]


def change_password_first() -> Response:
    """To the form for a new password. Raises `NotAllowed` where a program asks."""
    if not _browser():
        raise NotAllowed("Change your password first.", code="PASSWORD_CHANGE_REQUIRED")
    if "HX-Request" in request.headers:
        return Response("", 403, {"HX-Redirect": "/account/password"})
    return redirect("/account/password", 303)  # type: ignore[return-value]


async def choose_client_first(error: BadRequest) -> Response:
    """A superadmin who is at no client: to the list of them, which says why. Raises `error` where a program asks, for a part of a
    page, and where something was sent, which would be lost without a word."""
    if not _browser() or request.method not in {"GET", "HEAD"} or "HX-Request" in request.headers:
        raise error
    await flash("That page is of one client. Choose a client first, then open it again.", "info")
    return redirect("/superadmin/clients", 303)  # type: ignore[return-value]


def _browser() -> bool:
    return family_of(request.path) == "page" and wants_html()
