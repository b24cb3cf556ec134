"""Everything the portal shows and needs to know of Market Stall."""

from portal.connectors.manifest import Field, Manifest, Permission, RateLimit, Stream

MANIFEST = Manifest(
    platform="stall",
    label="Market Stall",
    summary="Orders and goods of a market stall.",
    fields=(
        Field(
            name="site_url",
            label="Stall address",
            type="url",
            placeholder="https://stall.example",
            help="Where the stall is.",
        ),
        Field(
            name="token",
            label="Stall token",
            type="secret",
            secret=True,
            help="From the lid of the cash box. Begins with st_.",
        ),
    ),
    permissions=(
        Permission(name="read_orders", label="Read orders", needed_for="Sales and every figure made of them"),
        Permission(name="read_products", label="Read goods", needed_for="Stock", required=False),
    ),
    streams=(
        Stream(name="products", label="Goods", cursor="full"),
        Stream(name="orders", label="Orders", cursor="modified", from_day=True),
    ),
    rate_limit=RateLimit(per_second=50, burst=50, text="50 requests/second"),
    data_types=("orders", "products"),
    docs_url="/docs/connectors/stall",
    setup_steps=("Open the cash box.", "Read the token from its lid.", "Paste it here."),
    webhook_topics=("order.sold",),
)
