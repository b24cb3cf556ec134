"""What the portal shows of files as a source. Nobody is polled: rows come by hand, on the Uploads page (`portal/uploads/`)."""

from __future__ import annotations

from portal.connectors.manifest import Manifest, RateLimit, Stream

MANIFEST = Manifest(
    platform="files",
    label="Manual upload",
    summary="CSV, JSON and XML files, uploaded by hand.",
    polled=False,
    fields=(),
    permissions=(),
    streams=(
        Stream(name="products", label="Products", cursor="full"),
        Stream(name="customers", label="Customers", cursor="full"),
        Stream(name="orders", label="Orders", cursor="full"),
        Stream(name="refunds", label="Refunds", cursor="full"),
    ),
    rate_limit=RateLimit(per_second=1, burst=1, text="none: files are not asked for"),
    data_types=("orders", "products", "customers", "inventory"),
    docs_url="/docs/connectors/files",
    setup_steps=(
        "Open Uploads.",
        "Choose what the file holds, and the file.",
        "Look at the columns, check, take over.",
    ),
)
