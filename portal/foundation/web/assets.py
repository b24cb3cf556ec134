"""Static files: served by the portal itself, kept by browsers for good because their address carries their content."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from quart import Blueprint, Response, request, send_from_directory

from portal.foundation.resources import ROOT
from portal.foundation.web.policy import PUBLIC, route

blueprint = Blueprint("assets", __name__)
_FOLDER = ROOT / "static"


@lru_cache(maxsize=512)
def asset(path: str) -> str:
    """The address of a static file with its content's hash; a file that is not there fails the page that names it."""
    content = hashlib.sha256((_FOLDER / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={content}"


@route(blueprint, "/static/<path:name>", roles=PUBLIC, family="assets", endpoint="file")
async def static_file(name: str) -> Response:
    """One file; a versioned address never changes its content."""
    response = await send_from_directory(_FOLDER, name, conditional=True)
    for_good = "v" in request.args or name.startswith("vendor/")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if for_good else "public, max-age=300"
    return response
