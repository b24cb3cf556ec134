"""The whole web application on one screen: rooms, navigation, live parts, the gate."""

from __future__ import annotations

from quart import Quart

from portal.accounts import api as accounts_api
from portal.accounts import audit_pages, context, gate, invitation_pages
from portal.accounts import pages as accounts_pages
from portal.accounts.context import NavItem
from portal.accounts.proxies import TrustedProxies
from portal.api_docs import pages as api_docs_pages
from portal.dashboard import setup as dashboard
from portal.foundation.resources import ROOT
from portal.foundation.runtime import Runtime
from portal.foundation.web import assets, bodies, paths, refusals
from portal.foundation.web.parts import Part
from portal.foundation.web.policy import DASHBOARD, OWNER, SIGNED_IN, SUPERADMIN
from portal.ops import health
from portal.parallel import pages as parallel_pages
from portal.rates import file_pages as rate_file_pages
from portal.rates import pages as rates_pages
from portal.rates import parts as rates_parts
from portal.superadmin import api as superadmin_api
from portal.superadmin import audit_pages as platform_audit_pages
from portal.superadmin import created_pages, oversight_pages
from portal.superadmin import pages as superadmin_pages
from portal.sync import connecting, health_pages, new_store, part_pages, run_pages, store_actions
from portal.sync import pages as sync_pages
from portal.sync import parts as sync_parts
from portal.sync.proof import pages as proof_pages
from portal.sync.removal import pages as removal_pages
from portal.sync.webhooks import delivery_pages, fast_lane, receiving
from portal.sync.webhooks import pages as webhook_pages
from portal.uploads import api as uploads_api
from portal.uploads import pages as uploads_pages
from portal.uploads import parts as uploads_parts

BLUEPRINTS = (
    assets.blueprint,
    health.health,
    accounts_pages.blueprint,
    accounts_api.blueprint,
    invitation_pages.blueprint,
    audit_pages.blueprint,
    sync_pages.blueprint,
    store_actions.blueprint,
    removal_pages.blueprint,
    part_pages.blueprint,
    connecting.blueprint,
    new_store.blueprint,
    proof_pages.blueprint,
    run_pages.blueprint,
    health_pages.blueprint,
    delivery_pages.blueprint,
    webhook_pages.blueprint,
    receiving.blueprint,
    uploads_pages.blueprint,
    parallel_pages.blueprint,
    uploads_api.blueprint,
    rates_pages.blueprint,
    rate_file_pages.blueprint,
    superadmin_pages.blueprint,
    created_pages.blueprint,
    superadmin_api.blueprint,
    oversight_pages.blueprint,
    platform_audit_pages.blueprint,
    api_docs_pages.blueprint,
)

NAV = (
    NavItem("/dashboard", "Dashboard", "dashboard", DASHBOARD, by_store=True),
    NavItem("/orders", "Orders", "orders", DASHBOARD, by_store=True),
    NavItem("/inventory", "Inventory", "inventory", DASHBOARD, by_store=True),
    NavItem("/stores", "Stores", "stores", DASHBOARD),
    NavItem("/uploads", "Uploads", "upload", DASHBOARD),
    NavItem("/currencies", "Currencies", "currencies", DASHBOARD),
    NavItem("/superadmin/clients", "Clients", "clients", SUPERADMIN, tenant=False),
    NavItem("/superadmin/connections", "Connections", "health", SUPERADMIN, tenant=False),
    NavItem("/audit", "Audit", "audit", OWNER),
    NavItem("/docs/metrics", "Metrics", "docs", SIGNED_IN, tenant=False),
)

PARTS: tuple[Part, ...] = (*sync_parts.PARTS, *proof_pages.PARTS, *uploads_parts.PARTS, *rates_parts.PARTS)


def create_app(rt: Runtime) -> Quart:
    """The portal over an open runtime. A route without a declared policy keeps it from serving."""
    app = Quart("portal", static_folder=None, template_folder=str(ROOT / "templates"))
    app.extensions["portal"] = rt
    bodies.install(app, bodies.incoming(rt.settings.data_dir))
    paths.install(app)
    refusals.install(app)
    gate.install(app)
    context.install(app, NAV)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    dashboard.install(app, rt, PARTS)
    fast_lane.install(app)
    if rt.settings.trusted_proxies:
        app.asgi_app = TrustedProxies(app.asgi_app, rt.settings.trusted_proxies)  # type: ignore[method-assign]
    return app
