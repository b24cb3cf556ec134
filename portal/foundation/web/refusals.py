"""Everything that can go wrong in a handler, answered in the right envelope with the request id, and logged once."""

from __future__ import annotations

import errno

import asyncpg
import structlog
from quart import Quart, Response, current_app, redirect, request
from werkzeug.exceptions import HTTPException

from portal.foundation.database import AWAY
from portal.foundation.errors import BadRequest, DependencyAway, PortalError, TooMany
from portal.foundation.web.answers import error_answer, too_many_answer
from portal.foundation.web.envelopes import family_of
from portal.foundation.web.requests import wants_html

_log = structlog.get_logger("portal.web")
_CODES = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "TOO_LARGE",
    414: "URI_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    416: "RANGE_NOT_SATISFIABLE",
}
_MESSAGES = {
    400: "The request is malformed.",
    404: "There is nothing here.",
    405: "That method is not possible here.",
    413: "The body is too large.",
}
_UNFIT = (asyncpg.DataError, asyncpg.CharacterNotInRepertoireError)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_DATABASE = ("asyncpg", "portal.foundation.database")


def install(app: Quart) -> None:
    """Register the handlers of `app`."""
    app.register_error_handler(PortalError, _told)
    app.register_error_handler(TooMany, _too_many)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(asyncpg.DataError, _unfit_value)
    for kind in AWAY:
        app.register_error_handler(kind, _away)
    app.register_error_handler(Exception, _unexpected)


async def _told(error: PortalError) -> Response:
    if error.status >= 500 and not isinstance(error, DependencyAway):
        _log.warning("request_failed", code=error.code, status=error.status, message=error.message)
    return await error_answer(error)


async def _too_many(error: TooMany) -> Response:
    try:
        return await too_many_answer(error)
    except PortalError as other:  # the form is of a thing that is not there
        return await error_answer(other)
    except Exception as broken:  # it cannot be read, or the database is away: the limit stands without the form
        _log.warning("form_not_drawn", error=type(broken).__name__)
        return await error_answer(error)


async def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # werkzeug's redirects are exceptions too
        response = Response("", status)
        response.headers.extend(error.get_headers())
        return response
    if status == 405 and (form := _page_above()):
        return redirect(form, 303)  # type: ignore[return-value]
    headers = {}
    if (methods := getattr(error, "valid_methods", None)) is not None:
        headers["Allow"] = ", ".join(sorted(methods))
    told = PortalError(
        _MESSAGES.get(status, error.name + "."), status=status, code=_CODES.get(status, "HTTP_ERROR"), headers=headers
    )
    return await error_answer(told)


def _page_above() -> str:
    """The nearest page above an address that only takes what forms send, when a browser asks for it: somebody loads again, or goes
    back to, what answered a form. Empty for programs and parts of pages."""
    asks_for_page = family_of(request.path) == "page" and wants_html() and "HX-Request" not in request.headers
    if request.method != "GET" or not asks_for_page:
        return ""
    rules, above = current_app.create_url_adapter(request), request.path.rstrip("/")
    while rules is not None and above:
        above = above.rpartition("/")[0]
        if rules.test(above or "/", "GET"):
            return above or "/"
    return ""


async def _unfit_value(error: Exception) -> Response:
    """A value from outside that the database cannot hold: a NUL in a text, a number beyond its column."""
    if type(error) not in _UNFIT:
        return await _unexpected(error)  # a division by zero and the like: ours
    _log.warning("value_unfit", error=type(error).__name__)  # the text holds the value
    return await error_answer(BadRequest("The request holds a value that cannot be: a NUL character or a huge number."))


async def _away(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in _FULL:
        _log.error("disk_full", exc_info=error)
        told = DependencyAway(
            "The portal's disk is full, so nothing was kept. Tell its operator, and try again later.",
            headers={"Retry-After": "600"},
        )
        return await error_answer(told)
    if not isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError)) and not _met_database(error):
        return await _unexpected(error)  # an OSError or TimeoutError of something else
    _log.warning("database_away", error=type(error).__name__)
    told = DependencyAway("The database is away for a moment. Try again shortly.", headers={"Retry-After": "5"})
    return await error_answer(told)


async def _unexpected(error: Exception) -> Response:
    _log.error("unexpected", exc_info=error)
    told = PortalError("Something went wrong on our side. It was logged under this request's id.", status=500)
    try:
        return await error_answer(told)
    except Exception as again:  # the page itself is what fails
        _log.error("error_page_failed", exc_info=again)
        return Response("Something went wrong.", 500, {"Content-Type": "text/plain"})


def _met_database(error: BaseException) -> bool:
    """Whether the error came up through the database's client: a refused connection is a plain OSError, and a missing
    unix socket even a FileNotFoundError."""
    frame = error.__traceback__
    while frame is not None:
        module = str(frame.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(_DATABASE):
            return True
        frame = frame.tb_next
    return False
