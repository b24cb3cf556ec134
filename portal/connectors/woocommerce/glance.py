"""The count of a collection (`X-WP-Total`) and the orders that changed last: one or two requests."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.connectors.answers import Listed
from portal.connectors.glance import Glance
from portal.connectors.values import BadValue, identifier
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.listing import FIELDS, listed
from portal.foundation.errors import NotFound

_CHANGES = {"orders"}  # the lists that tell changes and amounts
_WITH_STATUS = {"orders", "products"}


async def glance(client: Client, stream: str, since: datetime | None) -> Glance | None:
    """What is in the trash is left out on both sides. None for refunds of a shop too old to list them."""
    anywhere = {"status": "any"} if stream in _WITH_STATUS else {}
    try:
        found = await _changed(client, stream, since, anywhere) if since is not None and stream in _CHANGES else None
        counted = await client.get(stream, {**anywhere, "per_page": "1", "_fields": "id"}, retries=1)
    except NotFound as missing:
        if stream == "refunds" and missing.code == "PLATFORM_NO_ROUTE":
            return None
        raise
    return Glance(total=counted.total, listed=found or {}, requests=1 if found is None else 2)


async def _changed(client: Client, stream: str, since: datetime, anywhere: dict[str, str]) -> dict[str, Listed]:
    """The newest hundred rows changed after `since`."""
    filters = {
        "orderby": "modified",
        "order": "desc",
        "per_page": "100",
        "_fields": FIELDS[stream],
        "modified_after": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "dates_are_gmt": "true",
    }
    answer, now = await client.get(stream, anywhere | filters, retries=1), datetime.now(UTC)
    said: dict[str, Listed] = {}
    for row in answer.rows:
        try:
            known = identifier(row.get("id")) if isinstance(row, dict) else None
        except BadValue:
            known = None
        told = listed(stream, row, now, trashed=False)
        if known and told is not None:
            said[known] = told
    return said
