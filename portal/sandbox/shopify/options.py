"""What a Shopify store of the sandbox is asked to be, beside what every store is."""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = (
    "read_orders", "read_all_orders", "read_products", "read_customers", "read_inventory", "read_fulfillments",
    "read_locations", "read_returns",
)  # fmt: skip


@dataclass(frozen=True)
class ShopifyOptions:
    """Empty keys are derived from the store's name and seed.

    `points` and `restore_rate` (points a second) are the bucket of the shop's plan. A token got by client id and secret
    lives `token_seconds`; a bulk operation runs `bulk_seconds`. `scopes` are what the app may do.
    """

    access_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = SCOPES
    points: float = 2_000.0
    restore_rate: float = 100.0
    token_seconds: float = 86_399.0
    bulk_seconds: float = 0.3
