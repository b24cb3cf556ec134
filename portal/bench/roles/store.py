"""A store to read from: the sandbox, in a process of its own as every store is."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from portal.bench.child import Answering
from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.amazon.site import AmazonSite
from portal.sandbox.platforms import Site
from portal.sandbox.server import Sandbox
from portal.sandbox.shopify.gate import access_token, client_secret
from portal.sandbox.shopify.options import ShopifyOptions
from portal.sandbox.spec import SandboxStoreSpec

# No bucket and no minutes in which a platform makes an export: what is measured is the work, not the waiting.
_SHOPIFY = ShopifyOptions(points=1e6, restore_rate=1e6, bulk_seconds=0.05)
_AMAZON = AmazonOptions(pace=1e5)


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: orders, platform. Ready: its address as host:port, its `credentials`, and `settings` that lead to it."""
    spec = SandboxStoreSpec(
        name="bench",
        seed=7,
        orders=setup["orders"],
        platform=setup.get("platform", "woocommerce"),
        basic_over_http=True,
        shopify=_SHOPIFY,
        amazon=_AMAZON,
    )
    async with Sandbox([spec]) as sandbox:
        gc.collect()
        gc.freeze()
        site = sandbox.sites[0]
        ready = {
            "platform": spec.platform,
            "credentials": _credentials(site),
            "settings": {
                "outbound_allow": [sandbox.url.removeprefix("http://")],
                "shopify_base_url": sandbox.url,
                "amazon_api_url": site.store.site_url,
                "amazon_lwa_url": site.store.site_url,
            },
        }

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            return ready

        yield answer


def _credentials(site: Site) -> dict[str, str]:
    """What a client's form of this platform would say."""
    spec = site.store.spec
    if isinstance(site, AmazonSite):
        return {
            "seller_id": site.options.seller_id,
            "marketplace_ids": ",".join(site.options.marketplaces),
            "refresh_token": site.options.refresh_token,
            "lwa_client_id": site.options.client_id,
            "lwa_client_secret": site.grants.client_secret,
        }
    if spec.platform == "shopify":
        return {
            "shop_domain": f"{spec.name}.myshopify.com",
            "access_token": access_token(spec),
            "client_secret": client_secret(spec),
        }
    return {
        "site_url": site.store.site_url,
        "consumer_key": spec.consumer_key,
        "consumer_secret": spec.consumer_secret,
        "auth_method": "basic",
    }
