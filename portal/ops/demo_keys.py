"""What one types to connect a store of the demo's sandbox, and where the platforms are that have one address for all."""

from __future__ import annotations

from portal.ops.demo_cast import SHOPS
from portal.sandbox.amazon.lwa import keys
from portal.sandbox.shopify.gate import access_token, client_secret
from portal.sandbox.spec import SandboxStoreSpec


def credentials_of(spec: SandboxStoreSpec, sandbox_url: str) -> dict[str, str]:
    """The fields of the platform's form, for this store."""
    if spec.platform == "shopify":
        return {
            "shop_domain": f"{spec.name}.myshopify.com",
            "access_token": access_token(spec),
            "client_secret": client_secret(spec),
        }
    if spec.platform == "amazon":
        account = keys(spec)
        return {
            "seller_id": account.seller_id,
            "marketplace_ids": ",".join(account.marketplaces),
            "refresh_token": account.refresh_token,
            "lwa_client_id": account.client_id,
            "lwa_client_secret": account.client_secret,
        }
    return {
        "site_url": f"{sandbox_url}/{spec.name}",
        "consumer_key": spec.consumer_key,
        "consumer_secret": spec.consumer_secret,
    }


def where_platforms_are(sandbox_url: str) -> dict[str, str]:
    """The settings that lead Shopify's and Amazon's requests to the sandbox."""
    seller = next(f"{sandbox_url}/{shop.store}" for shop in SHOPS if shop.platform == "amazon")
    return {"shopify_base_url": sandbox_url, "amazon_api_url": seller, "amazon_lwa_url": seller}
