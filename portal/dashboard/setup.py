"""Puts the dashboard into an app: its blueprints, its serving, and the hub that lives as long as the app."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Quart

from portal.accounts.at_once import AtOnce
from portal.dashboard import api, live, pages, restatement_pages
from portal.dashboard.asked import here, kept
from portal.dashboard.express import Express
from portal.dashboard.hub import Hub
from portal.dashboard.registry import tiles
from portal.dashboard.serving import Serving
from portal.dashboard.versions import Versions
from portal.foundation.runtime import Runtime
from portal.foundation.web.filters import FILTERS
from portal.foundation.web.parts import Part


def install(app: Quart, rt: Runtime, parts: Sequence[Part]) -> None:
    """Blueprints, serving and live pushes. `parts` are what other rooms push."""
    app.jinja_env.filters.update({**FILTERS, "kept": kept})
    app.jinja_env.globals["here"] = here
    serving = Serving(rt, Versions(rt))
    hub = Hub(rt, app, serving, parts)
    app.extensions["dashboard"], app.extensions["live"] = serving, hub
    for room in (api, live, pages, restatement_pages):
        app.register_blueprint(room.blueprint)
    lanes = {tile.path: (tile, api.policy_of(app, tile)) for tile in tiles()}
    app.asgi_app = Express(app.asgi_app, AtOnce(app.extensions["gate"], rt), serving, lanes)  # type: ignore[method-assign]
    app.before_serving(_started(hub))
    app.after_serving(hub.stop)


def _started(hub: Hub):  # type: ignore[no-untyped-def]
    async def start() -> None:
        hub.start()

    return start
