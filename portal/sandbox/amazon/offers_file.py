"""The list of offers as Amazon writes it: tab-separated, a row per SKU; only what the seller ships himself has a quantity."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.sandbox.amazon.inventory import is_own, listed
from portal.sandbox.amazon.orders import asin
from portal.sandbox.amazon.places import PLACES
from portal.sandbox.money import text
from portal.sandbox.rows import Product
from portal.sandbox.store import Store

COLUMNS = (
    "item-name", "item-description", "listing-id", "seller-sku", "price", "quantity", "open-date", "image-url",
    "item-is-marketplace", "product-id-type", "zshop-shipping-fee", "item-note", "item-condition", "asin1", "asin2", "asin3",
    "will-ship-internationally", "expedited-shipping", "product-id", "add-delete", "pending-quantity", "fulfillment-channel",
    "merchant-shipping-group", "status",
)  # fmt: skip
_WAREHOUSES = {**dict.fromkeys(("GB", "DE", "FR", "PL", "SE"), "AMAZON_EU"), "AU": "AMAZON_FE"}


def offers_file(store: Store, marketplace: str) -> str:
    """The list of one marketplace. A sold-out offer of the seller's own is inactive, as Amazon makes it."""
    rows = [_row(each, marketplace) for each in listed(store, marketplace)]
    return "\n".join(["\t".join(COLUMNS), *rows, ""])


def _row(product: Product, marketplace: str) -> str:
    own = is_own(product)
    cells = {
        "item-name": product.full_name.replace("\t", " "),
        "item-description": 'A "quoted" description',
        "listing-id": f"0101X{product.id:06}",
        "seller-sku": product.sku,
        "price": text(product.price),
        "quantity": str(product.stock or 0) if own else "",
        "open-date": f"{datetime.fromtimestamp(product.created, UTC):%d/%m/%Y %H:%M:%S} GMT",
        "item-is-marketplace": "y",
        "product-id-type": "1",
        "item-condition": "11",
        "asin1": asin(product.id),
        "product-id": asin(product.id),
        "pending-quantity": "0" if own else "",
        "fulfillment-channel": "DEFAULT" if own else _WAREHOUSES.get(PLACES[marketplace].country, "AMAZON_NA"),
        "merchant-shipping-group": "Migrated Template" if own else "",
        "status": "Inactive" if own and not product.stock else "Active",
    }
    return "\t".join(cells.get(column, "") for column in COLUMNS)
