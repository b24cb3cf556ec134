"""What a manifest says of reading from a day on is what its connector does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.connectors.registry import connector_class, manifest
from portal.foundation.outbound import OutboundClient

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)
FORMS: dict[str, dict[str, str]] = {
    "woocommerce": {"site_url": "https://shop.example", "consumer_key": "ck_1", "consumer_secret": "cs_1"},
    "shopify": {"shop_domain": "shop.myshopify.com", "access_token": "shpat_1"},
    "amazon": {
        "marketplace_ids": "A1F83G8C2ARO7P",
        "refresh_token": "r",
        "lwa_client_id": "i",
        "lwa_client_secret": "s",
    },
    "files": {},
}


@pytest.mark.parametrize("platform", sorted(FORMS))
async def test_streams_that_declare_a_beginning_give_one_and_no_others(platform: str) -> None:
    outbound = OutboundClient()
    try:
        connector: Any = connector_class(platform)(FORMS[platform], outbound, None)
        for stream in manifest(platform).streams:
            assert (connector.since(stream.name, MOMENT) is not None) == stream.from_day, stream.name
    finally:
        await outbound.close()
