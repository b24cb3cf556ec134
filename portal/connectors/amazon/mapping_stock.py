"""FBA stock as products. Raises `BadValue` for what cannot be trusted; `mapping` makes a `Rejected` of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from portal.commerce.records import Product
from portal.connectors import values
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.payloads import InventoryDetails, Summary, child, read

_LONG_GONE = timedelta(days=180)


def product_id(marketplace: Marketplace, sku: str) -> str:
    """The id of a SKU's stock: each marketplace has its own."""
    return f"{marketplace.id}:{sku}"


def product(row: object, marketplace: Marketplace, account: Account, seen_at: datetime) -> Product | None:
    """What can be sold of one SKU. Units on their way, reserved or damaged are not in it.

    In the European Union (without the UK) every marketplace answers with the one pool that serves them all, so the stock is
    counted as that of the connection's first such marketplace. A SKU without a unit anywhere for half a year is one that is
    no longer sold: it stays listed by Amazon for ever, and is kept as a draft, which raises no alert.
    """
    source = read(Summary, row)
    sku = values.text(source.seller_sku, 200)
    if not sku:
        return None
    found = values.amount_or(
        child(InventoryDetails, source.inventory_details).fulfillable_quantity, "fulfillableQuantity"
    )
    everywhere = values.amount_or(source.total_quantity, "totalQuantity")
    updated_at = values.instant_or_none(source.last_updated_time, "lastUpdatedTime", seen_at)
    idle = updated_at is None or seen_at - updated_at > _LONG_GONE
    return Product(
        external_id=product_id(marketplace, sku),
        modified_at=updated_at or seen_at,
        sku=sku,
        name=values.text(source.product_name, 500) or sku,
        status="draft" if not found and not everywhere and idle else "published",
        stock_tracked=found is not None,
        quantity=found,
        stock_status="in_stock" if found is None or found > Decimal(0) else "out_of_stock",
        stock_of=_pool(marketplace, account, sku),
    )


def _pool(marketplace: Marketplace, account: Account, sku: str) -> str | None:
    if not marketplace.pooled:
        return None
    first = next(each for each in account.marketplaces if each.pooled)
    return None if first.id == marketplace.id else product_id(first, sku)
