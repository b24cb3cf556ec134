"""Shopify as data: what the form asks for, what the app must be allowed, what is synced and how fast."""

from __future__ import annotations

from portal.connectors.manifest import Field, Manifest, Permission, RateLimit, Stream

API_VERSION = "2026-10"
CREDENTIAL_KINDS = ("auto", "access_token", "client_credentials")

_FIELDS = (
    Field(
        name="shop_domain",
        label="Shop Domain",
        placeholder="mystore.myshopify.com",
        help="The shop's own .myshopify.com address (without https://): Settings → Domains in the Shopify admin.",
        max_length=200,
        names_store=True,
        is_host=True,
    ),
    Field(
        name="access_token",
        label="Access Token",
        type="secret",
        secret=True,
        required=False,
        placeholder="shpat_…",
        help="Of an app made in the Shopify admin; shown once when the app is installed. It begins with shpat_. "
        "Leave it empty when you enter Client ID and secret.",
        max_length=200,
    ),
    Field(
        name="client_id",
        label="Client ID",
        required=False,
        help="Of an app made in the Dev Dashboard: Settings → Credentials. With the secret it replaces the access token: "
        "the portal then gets tokens that live 24 hours and renews them by itself.",
        max_length=100,
    ),
    Field(
        name="client_secret",
        label="Client Secret (API secret key)",
        type="secret",
        secret=True,
        required=False,
        help="Beside the Client ID; for an app made in the Shopify admin it is called API secret key. Shopify signs live "
        "updates with it, so enter it with an access token too.",
        max_length=200,
    ),
    Field(
        name="credential_kind",
        label="Sign in with",
        type="select",
        required=False,
        default="auto",
        options=CREDENTIAL_KINDS,
        advanced=True,
        help="auto: the access token, or Client ID and secret where there is none or Shopify no longer accepts it.",
    ),
)

_PERMISSIONS = (
    Permission(name="read_orders", label="Read orders", needed_for="Sales, refunds and every figure made of them"),
    Permission(name="read_products", label="Read products", needed_for="Products, variants and their names"),
    Permission(
        name="read_customers",
        label="Read customers",
        needed_for="Customer segments, new and returning customers",
        required=False,
    ),
    Permission(
        name="read_inventory",
        label="Read inventory",
        needed_for="Stock of each location, whether stock is tracked, inventory alerts",
        required=False,
    ),
    Permission(
        name="read_fulfillments",
        label="Read fulfillments",
        needed_for="When orders were shipped by outside fulfilment services; live updates of shipments and their tracking",
        required=False,
    ),
    Permission(
        name="read_locations",
        label="Read locations",
        needed_for="Which location the stock lies at; without it only the sum of all locations is known",
        required=False,
    ),
    Permission(
        name="read_returns",
        label="Read returns",
        needed_for="Returns of an order: what comes back, how many and why",
        required=False,
    ),
    Permission(
        name="read_all_orders",
        label="Read all orders",
        needed_for="Orders older than 60 days; without it Shopify shows only the last 60 days",
        required=False,
    ),
    Permission(
        name="read_analytics",
        label="Read analytics",
        needed_for="Nothing yet: every figure is computed from orders. You may leave it out",
        required=False,
    ),
)

MANIFEST = Manifest(
    platform="shopify",
    label="Shopify",
    place=20,
    summary="Orders with refunds, shipments and returns, products with variants and stock, and customers of a Shopify store.",
    fields=_FIELDS,
    permissions=_PERMISSIONS,
    streams=(
        Stream(name="products", label="Products and stock", cursor="modified", from_day=True),
        Stream(name="orders", label="Orders and refunds", cursor="modified", from_day=True),
        Stream(name="customers", label="Customers", cursor="modified", from_day=True),
    ),
    # The guide's figure, as a ceiling. Shopify itself counts what queries cost, see `throttle.py`.
    rate_limit=RateLimit(per_second=40, burst=40, text="40 requests/second"),
    data_types=("orders", "refunds", "products", "customers"),
    docs_url="/docs/connectors/shopify",
    setup_steps=(
        'Go to Shopify Admin → Apps → "App and sales channel settings" → "Develop apps".',
        'Click "Create an app" (an app made in the Dev Dashboard works too).',
        "Configure Admin API scopes: read_orders, read_products, read_customers and read_inventory; read_all_orders for "
        "orders older than 60 days, read_locations for stock by location, read_returns for returns.",
        "Install the app and copy the Access Token, or copy Client ID and Client Secret from the app's credentials.",
        "Copy the API secret key as well: live updates are signed with it.",
        "Paste them here with the shop domain (e.g. mystore.myshopify.com) and test the connection.",
    ),
    webhooks_end="after 8 failed deliveries within 4 hours",
    webhook_topics=(
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "orders/edited",
        "orders/delete",
        "refunds/create",
        "fulfillments/create",
        "fulfillments/update",
        "returns/request",
        "returns/approve",
        "returns/decline",
        "returns/cancel",
        "returns/reopen",
        "returns/process",
        "returns/update",
        "returns/close",
        "products/create",
        "products/update",
        "products/delete",
        "inventory_levels/update",
        "customers/create",
        "customers/update",
        "customers/delete",
        "app/uninstalled",
    ),
    max_timeout=60.0,
    webhook_secret_field="client_secret",  # noqa: S106 - the name of a field
)
