"""WooCommerce as data: what the form asks for, what the key must allow, what is synced and how fast."""

from __future__ import annotations

from datetime import timedelta

from portal.connectors.manifest import Field, Manifest, Permission, RateLimit, Stream

DEFAULT_VERSION = "wc/v3"
DEFAULT_TIMEOUT = 30
AUTH_METHODS = ("auto", "basic", "query", "oauth1")

_FIELDS = (
    Field(
        name="site_url",
        label="Site URL",
        type="url",
        placeholder="https://mystore.com",
        help="The address of the shop itself, with its folder if it has one. /wp-admin or /wp-json at the end is cut off.",
        max_length=500,
    ),
    Field(
        name="consumer_key",
        label="Consumer Key",
        secret=True,
        type="secret",
        placeholder="ck_…",
        help="From WooCommerce → Settings → Advanced → REST API. It begins with ck_.",
        max_length=200,
    ),
    Field(
        name="consumer_secret",
        label="Consumer Secret",
        secret=True,
        type="secret",
        placeholder="cs_…",
        help="Shown once, beside the key. It begins with cs_.",
        max_length=200,
    ),
    Field(
        name="api_version",
        label="API Version",
        required=False,
        default=DEFAULT_VERSION,
        placeholder=DEFAULT_VERSION,
        help="wc/v3 (recommended).",
        max_length=40,
    ),
    Field(
        name="verify_ssl",
        label="Verify the SSL certificate",
        type="checkbox",
        required=False,
        default="true",
        advanced=True,
        help="Turn off only for a certificate that cannot be verified: anyone on the way could then read the key.",
    ),
    Field(
        name="ca_pem",
        label="Custom certificate authority",
        type="textarea",
        required=False,
        advanced=True,
        placeholder="-----BEGIN CERTIFICATE-----",
        help="The PEM certificate of the authority that signed the shop's own certificate. Better than not verifying.",
        max_length=65536,
    ),
    Field(
        name="timeout",
        label="Timeout (seconds)",
        type="number",
        required=False,
        default=str(DEFAULT_TIMEOUT),
        advanced=True,
        help="How long to wait for one answer, 1 to 120 seconds. Small hosts need about two seconds for 100 orders.",
        max_length=3,
    ),
    Field(
        name="auth_method",
        label="Authentication",
        type="select",
        required=False,
        default="auto",
        options=AUTH_METHODS,
        advanced=True,
        help="auto: Basic over https, the query string where the host strips the header, OAuth 1.0a over plain http.",
    ),
)

_PERMISSIONS = (
    Permission(name="read_orders", label="Read orders", needed_for="Sales, refunds and every figure made of them"),
    Permission(name="read_products", label="Read products", needed_for="Stock, inventory alerts and product names"),
    Permission(name="read_customers", label="Read customers", needed_for="Customer segments", required=False),
    Permission(name="read_coupons", label="Read coupons", needed_for="Discount analysis", required=False),
    Permission(name="read_taxes", label="Read tax rates", needed_for="Tax by rate", required=False),
    Permission(
        name="read_settings", label="Read settings", needed_for="The store's currency and version", required=False
    ),
    Permission(
        name="write_webhooks",
        label="Create webhooks",
        needed_for="Live updates within seconds",
        required=False,
        excess="WooCommerce has no narrower right: this key may also change and delete orders, products and customers. The "
        'portal writes its webhooks and nothing else; if polling is enough for you, a key with permission "Read" is safer.',
    ),
)

_STREAMS = (
    Stream(name="products", label="Products and stock", cursor="modified"),
    Stream(name="orders", label="Orders", cursor="modified", from_day=True),
    Stream(name="refunds", label="Refunds", cursor="id", from_day=True),
    # /customers ignores modified_after and has no orderby=modified, so it is read whole, once a day.
    Stream(name="customers", label="Customers", cursor="full", every=timedelta(days=1)),
    # Using a coupon raises its count without moving its modification date, so coupons are read whole too.
    Stream(name="coupons", label="Coupons", cursor="full", every=timedelta(hours=6)),
    Stream(name="taxes", label="Tax rates", cursor="full", every=timedelta(days=1)),
)

MANIFEST = Manifest(
    platform="woocommerce",
    label="WooCommerce",
    place=10,
    summary="Orders, refunds, products with stock, customers, coupons and tax rates of a WordPress shop.",
    fields=_FIELDS,
    permissions=_PERMISSIONS,
    streams=_STREAMS,
    rate_limit=RateLimit(per_second=10, burst=10, text="10 requests/second"),
    data_types=("orders", "refunds", "products", "customers", "coupons", "taxes"),
    docs_url="/docs/connectors/woocommerce",
    setup_steps=(
        "In WordPress, go to WooCommerce → Settings → Advanced → REST API.",
        'Click "Add Key", describe it ("Commerce Portal") and choose a user who may see orders.',
        'Set permissions to "Read/Write" (Read is enough, but then changes arrive by polling only, not live).',
        "Generate the key and copy Consumer Key & Secret: the secret is shown only once.",
        "Paste them here with the shop's address and test the connection.",
    ),
    webhook_topics=(
        "order.created",
        "order.updated",
        "order.deleted",
        "order.restored",
        "product.created",
        "product.updated",
        "product.deleted",
        "product.restored",
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "coupon.created",
        "coupon.updated",
        "coupon.deleted",
    ),
    webhooks_end="after 5 deliveries in a row failed",
    max_timeout=120.0,
)
