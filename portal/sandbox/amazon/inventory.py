"""FBA Inventory API v1: what lies at Amazon, per marketplace. Only products whose stock is managed are there.

Two in five offers are shipped by the seller himself (FBM) and are not here, but for every other one of them, of which some units
are left at Amazon that nobody can buy.
"""

from __future__ import annotations

from collections.abc import Iterator

from portal.sandbox.amazon.call import Call, Json, iso, sealed
from portal.sandbox.amazon.errors import bad_input
from portal.sandbox.amazon.orders import asin
from portal.sandbox.rows import Product
from portal.sandbox.store import Store

_SIZE = 50
_LEFT_OVER = 7


def summaries(store: Store, call: Call) -> Json:
    """Fifty summaries. A next token lives thirty seconds."""
    token = call.token("nextToken")
    if token and call.now - int(str(token["made"])) >= store.spec.amazon.page_seconds:
        raise bad_input("The next token has expired.")
    marketplace = call.query.get("marketplaceIds", "")
    if call.query.get("granularityType") != "Marketplace" or call.query.get("granularityId") != marketplace:
        raise bad_input("granularityType and granularityId must name the marketplace.")
    wanted = set(call.several("sellerSkus"))
    rows = [each for each in stocked(store, marketplace) if not wanted or each.sku in wanted]
    start = int(str(token["at"])) if token else 0
    page = rows[start : start + _SIZE]
    answer: Json = {
        "payload": {
            "granularity": {"granularityType": "Marketplace", "granularityId": marketplace},
            "inventorySummaries": [_summary(each, details=call.query.get("details") == "true") for each in page],
        }
    }
    if start + _SIZE < len(rows):
        answer["pagination"] = {"nextToken": sealed({"at": start + _SIZE, "made": call.now})}
    return answer


def is_own(product: Product) -> bool:
    """Whether the seller ships it himself."""
    return product.id % 5 in (1, 3)


def stocked(store: Store, marketplace: str) -> Iterator[Product]:
    """The products that lie at Amazon for a marketplace."""
    return (each for each in listed(store, marketplace) if not is_own(each) or each.id % 5 == 1)


def listed(store: Store, marketplace: str) -> Iterator[Product]:
    """The products offered in a marketplace: each in one."""
    places = store.spec.amazon.marketplaces
    return (each for each in store.sellables() if each.managed and places[each.id % len(places)] == marketplace)


def _summary(product: Product, *, details: bool) -> Json:
    fulfillable = _LEFT_OVER if is_own(product) else product.stock or 0
    row: Json = {
        "asin": asin(product.id),
        "fnSku": f"X00{product.id:07}",
        "sellerSku": product.sku,
        "condition": "NewItem",
        "lastUpdatedTime": iso(product.modified),
        "productName": product.full_name,
        "totalQuantity": fulfillable + 3,
    }
    if details:
        row["inventoryDetails"] = {
            "fulfillableQuantity": fulfillable,
            "inboundWorkingQuantity": 0,
            "inboundShippedQuantity": 3,
            "inboundReceivingQuantity": 0,
            "reservedQuantity": {"totalReservedQuantity": 0},
        }
    return row
