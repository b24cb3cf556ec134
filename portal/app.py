"""The whole web application on one screen: rooms, navigation, live parts, the gate."""

from __future__ import annotations

from quart import Quart

from portal.accounts import api as accounts_api
from portal.accounts import audit_pages, context, gate, invitation_pages
from portal.accounts import pages as accounts_pages
from portal.accounts.context import NavItem
from portal.accounts.proxies import TrustedProxies
from portal.foundation.resources import ROOT
from portal.foundation.runtime import Runtime
from portal.foundation.web import assets, refusals
from portal.foundation.web.parts import Part
from portal.foundation.web.policy import OWNER
from portal.ops import health

BLUEPRINTS = (
    assets.blueprint,
    health.health,
    accounts_pages.blueprint,
    accounts_api.blueprint,
    invitation_pages.blueprint,
    audit_pages.blueprint,
)

NAV = (NavItem("/audit", "Audit", "audit", OWNER),)

PARTS: tuple[Part, ...] = ()


def create_app(rt: Runtime) -> Quart:
    """The portal over an open runtime. A route without a declared policy keeps it from serving."""
    app = Quart("portal", static_folder=None, template_folder=str(ROOT / "templates"))
    app.extensions["portal"] = rt
    refusals.install(app)
    gate.install(app)
    context.install(app, NAV)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if rt.settings.trusted_proxies:
        app.asgi_app = TrustedProxies(app.asgi_app, rt.settings.trusted_proxies)  # type: ignore[method-assign]
    return app
