"""Stock as products, Amazon's (FBA) and the seller's own (FBM). Raises `BadValue` for what cannot be trusted; `mapping` makes a
`Rejected` of it.

Both are dated by the day they were read: the list of offers has no date, and a SKU can go from one to the other and back. Copies
of one day replace each other, so what was read last stands; an unchanged one is written once a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from portal.commerce.records import Product
from portal.connectors import values
from portal.connectors.amazon import listings
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.payloads import InventoryDetails, Summary, child, read
from portal.connectors.amazon.rows import Row
from portal.connectors.values import BadValue

_LONG_GONE = timedelta(days=180)


def product_id(marketplace: Marketplace, sku: str) -> str:
    """The id of a SKU's stock: each marketplace has its own."""
    return f"{marketplace.id}:{sku}"


def product(
    row: object, marketplace: Marketplace, account: Account, seen_at: datetime, price: str | None = None
) -> Product | None:
    """What lies at Amazon and can be sold of one SKU. Units on their way, reserved or damaged are not in it.

    In the European Union (without the UK) every marketplace answers with the one pool that serves them all, so the stock is
    counted as that of the connection's first such marketplace. A SKU without a unit anywhere for half a year is one that is
    no longer sold: it stays listed by Amazon for ever, and is kept as a draft, which raises no alert. `price` is the offer's.
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
        modified_at=_day(seen_at),
        sku=sku,
        name=values.text(source.product_name, 500) or sku,
        price=_price(price),
        status="draft" if not found and not everywhere and idle else "published",
        stock_tracked=found is not None,
        quantity=found,
        stock_status="in_stock" if found is None or found > Decimal(0) else "out_of_stock",
        stock_of=_pool(marketplace, account, sku),
    )


def offer(row: Row, marketplace: Marketplace, account: Account, seen_at: datetime) -> Product | None:
    """An offer that the seller ships himself, with his own quantity.

    Amazon makes an offer inactive when the last unit is gone: it is out of stock and still sold. Inactive with units it was
    closed or blocked, and an incomplete one was never for sale: drafts. In the European Union the quantity is that of the SKU
    in all marketplaces, counted once, apart from what may lie at Amazon.
    """
    sku = values.text(row.get(listings.SKU), 200)
    if not sku:
        return None
    found = values.amount_or(row.get(listings.QUANTITY, "").strip(), "quantity")
    word = row.get("status", "").strip().lower()
    return Product(
        external_id=product_id(marketplace, sku),
        modified_at=_day(seen_at),
        sku=sku,
        name=values.text(row.get("item-name"), 500) or sku,
        status="draft" if word == "incomplete" or (word == "inactive" and found) else "published",
        price=_price(row.get(listings.PRICE)),
        stock_tracked=found is not None,
        quantity=found,
        stock_status="in_stock" if found is None or found > Decimal(0) else "out_of_stock",
        stock_of=f"own:{sku}" if marketplace.pooled else None,
        image_url=values.web_address(row.get("image-url")),
    )


def _day(seen_at: datetime) -> datetime:
    return seen_at.replace(hour=0, minute=0, second=0, microsecond=0)


def _price(given: str | None) -> Decimal | None:
    """A price that can be read, else none: no figure is made of it."""
    try:
        return values.amount_or((given or "").strip(), "price")
    except BadValue:
        return None


def _pool(marketplace: Marketplace, account: Account, sku: str) -> str | None:
    if not marketplace.pooled:
        return None
    first = next(each for each in account.marketplaces if each.pooled)
    return None if first.id == marketplace.id else product_id(first, sku)
