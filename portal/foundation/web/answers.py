"""Answers: JSON in the family's envelope, pages and partials, and errors as whichever of them was asked for."""

from __future__ import annotations

from typing import Any

from quart import Response, g, make_response, render_template, request

from portal.foundation.errors import PortalError, TooMany
from portal.foundation.web.envelopes import encode, error_body, family_of, success_body
from portal.foundation.web.requests import wants_html


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`data` as JSON in the envelope of the current path's family."""
    body = encode(success_body(request.path, data))
    return Response(body, status, {"Content-Type": "application/json", **(headers or {})})


async def page(template: str, *, status: int = 200, partial: str | None = None, **context: Any) -> Response:
    """A whole page, or only `partial` when HTMX asked for a fragment of it (not for a boosted or history visit)."""
    fragment = partial and request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    html = await render_template(str(partial) if fragment else template, **context)
    response: Response = await make_response(html, status)  # type: ignore[assignment]
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    response.headers.setdefault("Cache-Control", "no-store")
    response.vary.add("HX-Request")
    return response


async def too_many_answer(error: TooMany) -> Response:
    """The form the request came from, with the limit told in it and what was typed, where the route has such an answer."""
    in_form = getattr(g, "too_many", None)
    if in_form is None or not wants_html():
        return await error_answer(error)
    response: Response = await in_form(error, **(request.view_args or {}))
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response


async def error_answer(error: PortalError) -> Response:
    """`error` as JSON in the path's envelope, as an HTMX fragment, or as a page."""
    request_id = getattr(g, "request_id", "")
    if family_of(request.path) != "page" or not wants_html():
        response = Response(encode(error_body(request.path, error)), error.status, {"Content-Type": "application/json"})
    else:
        template = "errors/_error.html" if request.headers.get("HX-Request") else "errors/page.html"
        html = await render_template(
            template,
            status=error.status,
            title=_TITLES.get(error.status, "Something went wrong"),
            message=error.message,
            advice=getattr(error, "advice", "") or error.details.get("advice", ""),
            details=error.details,
            request_id=request_id,
        )
        response = Response(html, error.status, {"Content-Type": "text/html; charset=utf-8"})
    for name, value in error.headers.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response


_TITLES = {
    400: "That request was not right",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "That is not possible here",
    409: "That cannot be done now",
    413: "Too large",
    415: "Wrong type",
    422: "Please check the form",
    429: "A little slower, please",
    502: "The store did not answer properly",
    503: "Back in a moment",
    504: "The store was too slow",
}
