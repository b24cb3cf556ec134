"""`/openapi.json`, `/swagger/`, `/docs/metrics` and the help page of each platform."""

from __future__ import annotations

from quart import Blueprint, Response, current_app

from portal.api_docs.openapi import document
from portal.commerce.metrics import METRICS
from portal.connectors import registry
from portal.dashboard.registry import tiles
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import json_answer, page
from portal.foundation.web.policy import PUBLIC, SIGNED_IN, route

blueprint = Blueprint("api_docs", __name__)


@route(blueprint, "/openapi.json", roles=PUBLIC, family="assets")
async def openapi() -> Response:
    """The OpenAPI document, made once per process."""
    made = current_app.extensions.get("openapi")
    if made is None:
        made = current_app.extensions["openapi"] = document(current_app, runtime().settings.base_url)
    return json_answer(made, headers={"Cache-Control": "public, max-age=60"})


@route(blueprint, "/swagger", roles=PUBLIC, family="assets")
async def swagger() -> Response:
    """Swagger UI, vendored; `static/js/swagger.js` starts it under the strict Content-Security-Policy."""
    return await page("api_docs/swagger.html")


@route(blueprint, "/docs/metrics", roles=PUBLIC, family="page")
async def metrics() -> Response:
    """Every metric's formula, from the definitions that compute it."""
    return await page("api_docs/metrics.html", metrics=METRICS, tiles=tiles())


@route(blueprint, "/docs/connectors/<platform>", roles=SIGNED_IN, family="page", tenant=False)
async def connector_help(platform: str) -> Response:
    """How to connect one platform: steps, fields, permissions, limits."""
    return await page("api_docs/connector.html", manifest=registry.manifest(platform))
