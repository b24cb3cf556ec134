"""Amazon as data: what the form asks for, which roles the application needs, what is synced and how fast."""

from __future__ import annotations

from datetime import timedelta

from portal.connectors.manifest import Field, Manifest, Permission, RateLimit, Stream

_NOT_NEEDED = "Not needed since October 2023 (Amazon ignores AWS signatures), and not used."

_FIELDS = (
    Field(
        name="seller_id",
        label="Seller ID",
        placeholder="A2EXAMPLE1SELLER",
        names_store=True,
        help="Found in Seller Central → Settings → Account Info → Your Merchant Token.",
        max_length=40,
    ),
    Field(
        name="marketplace_ids",
        label="Marketplace IDs",
        placeholder="ATVPDKIKX0DER,A2EUQ1WTGCTBG2",
        names_store=True,
        help="Comma-separated: US ATVPDKIKX0DER, CA A2EUQ1WTGCTBG2, UK A1F83G8C2ARO7P. All of one region: the Americas, "
        "Europe with the UK, or the Far East.",
        max_length=600,
    ),
    Field(
        name="refresh_token",
        label="Refresh Token",
        type="secret",
        secret=True,
        placeholder="Atzr|…",
        help="From authorising the application in Seller Central → Apps & Services → Develop Apps → Authorize. Begins with Atzr|.",
        max_length=2048,
    ),
    Field(
        name="lwa_client_id",
        label="LWA Client ID",
        required=False,
        placeholder="amzn1.application-oa2-client.…",
        help="From Develop Apps → View beside the application, under LWA credentials. Leave empty to use the portal's own "
        "application, where the agency has set one up.",
        max_length=200,
    ),
    Field(
        name="lwa_client_secret",
        label="LWA Client Secret",
        type="secret",
        required=False,
        secret=True,
        placeholder="amzn1.oa2-cs.v1.…",
        help="Beside the LWA client ID. Amazon lets it expire after 180 days.",
        max_length=400,
    ),
    Field(
        name="lwa_secret_created",
        label="LWA secret made on",
        required=False,
        placeholder="2026-01-31",
        help="The day the client secret was made or rotated, to be warned before its 180 days are over.",
        max_length=10,
    ),
    Field(
        name="region",
        label="Region",
        required=False,
        default="us-east-1",
        advanced=True,
        help="The AWS region (us-east-1, eu-west-1 or us-west-2). Only kept: the endpoint follows from the marketplaces.",
        max_length=20,
    ),
    Field(
        name="access_key_id",
        label="Access Key ID",
        required=False,
        advanced=True,
        placeholder="AKIA…",
        help=f"The AWS access key of an IAM user. {_NOT_NEEDED}",
        max_length=128,
    ),
    Field(
        name="secret_access_key",
        label="Secret Access Key",
        type="secret",
        required=False,
        secret=True,
        advanced=True,
        help=f"The AWS secret of an IAM user. {_NOT_NEEDED}",
        max_length=200,
    ),
)

_PERMISSIONS = (
    Permission(
        name="read_orders",
        label="Orders (role Inventory and Order Tracking)",
        needed_for="New and changed orders, and every figure made of them",
    ),
    Permission(
        name="read_reports",
        label="Reports (role Inventory and Order Tracking)",
        needed_for="The history of orders, up to two years; offers with their prices, and stock the seller ships himself",
    ),
    Permission(
        name="read_products",
        label="FBA inventory (role Amazon Fulfillment)",
        needed_for="Stock at Amazon and inventory alerts",
        required=False,
    ),
    Permission(
        name="read_refunds",
        label="Transactions (role Finance and Accounting)",
        needed_for="Refunds and Amazon's fees; without it revenue is shown before refunds",
        required=False,
    ),
    Permission(
        name="read_sellers",
        label="Marketplaces (role Selling Partner Insights)",
        needed_for="Checking that the account sells in the chosen marketplaces",
        required=False,
    ),
)

_STREAMS = (
    # Summaries of a changed quantity carry no word of SKUs that went, and a next token lives 30 s: always read whole.
    Stream(name="products", label="Offers and stock", cursor="full", page_size=50, every=timedelta(minutes=30)),
    Stream(name="orders", label="Orders", cursor="modified", look_back=timedelta(minutes=5), from_day=True),
    # Amazon shows a transaction up to 48 hours late, so each run looks back further than that.
    Stream(name="refunds", label="Refunds and fees", cursor="modified", look_back=timedelta(days=4), from_day=True),
)

MANIFEST = Manifest(
    platform="amazon",
    label="Amazon Seller",
    place=30,
    summary="Orders, refunds, fees, offers and stock of an Amazon seller account, through the Selling Partner API.",
    fields=_FIELDS,
    permissions=_PERMISSIONS,
    streams=_STREAMS,
    rate_limit=RateLimit(per_second=5, burst=10, text="5 requests/second with burst"),
    data_types=("orders", "refunds", "products"),
    docs_url="/docs/connectors/amazon",
    setup_steps=(
        "In Seller Central, go to Apps & Services → Develop Apps and register as a developer for your own account "
        "(SP-API access requires Amazon's approval).",
        "Add an app client (API type SP API, production) with the roles Inventory and Order Tracking, Amazon Fulfillment, "
        "Finance and Accounting, and Selling Partner Insights. No role with buyers' personal data is needed.",
        'Click "Authorize" beside the app and copy the refresh token: it is shown once.',
        'Click "View" under LWA credentials and copy client ID and secret, unless the agency has its own application.',
        "Copy the Seller ID (Merchant Token) from Settings → Account Info.",
        "Paste them here with the marketplace IDs of one region and test the connection.",
    ),
    max_timeout=60.0,
    installation={
        "lwa_client_id": "amazon_lwa_client_id",
        "lwa_client_secret": "amazon_lwa_client_secret",
        "lwa_secret_created": "amazon_lwa_secret_created",
    },
)
