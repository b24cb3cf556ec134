"""The payloads the mapping reads, by the field names of Amazon's models; what it does not use is not named and ignored.

Orders API 2026-01-01, FBA Inventory v1, Finances 2024-06-19. Scalars are `object` and read by `values`: a model is a promise,
not a proof. What a transaction holds is typed to its last leaf, so that one conversion reads the whole tree; where an object or
a list should stand, something else may stand all the same. Buyer and recipient are not named, so that they cannot be kept by
mistake.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from portal.connectors.values import BadValue

Loose = object
_S = TypeVar("_S", bound=msgspec.Struct)
One: TypeAlias = _S | list[Any] | str | int | float | bool | None
Many: TypeAlias = list[One[_S]] | dict[str, Any] | str | int | float | bool | None


class Money(msgspec.Struct, rename="camel"):
    """Of the Orders API: a decimal as text."""

    amount: Loose = None
    currency_code: Loose = None


class Share(msgspec.Struct, rename="camel"):
    """One of `proceeds.breakdowns` of an order or an item."""

    type: Loose = None
    subtotal: Loose = None
    detailed_breakdowns: Loose = None


class Detail(msgspec.Struct, rename="camel"):
    subtype: Loose = None
    value: Loose = None


class Proceeds(msgspec.Struct, rename="camel"):
    grand_total: Loose = None
    proceeds_total: Loose = None
    breakdowns: Loose = None


class Channel(msgspec.Struct, rename="camel"):
    channel_name: Loose = None
    marketplace_id: Loose = None


class Handling(msgspec.Struct, rename="camel"):
    fulfillment_status: Loose = None
    fulfilled_by: Loose = None


class Package(msgspec.Struct, rename="camel"):
    """A parcel of an order that the seller ships. Where it was sent from is not named."""

    package_reference_id: Loose = None
    package_status: Loose = None
    carrier: Loose = None
    ship_time: Loose = None
    tracking_number: Loose = None
    package_items: Loose = None


class PackageStatus(msgspec.Struct):
    status: Loose = None


class PackageItem(msgspec.Struct):
    quantity: Loose = None


class Price(msgspec.Struct, rename="camel"):
    unit_price: Loose = None


class ItemProduct(msgspec.Struct, rename="camel"):
    asin: Loose = None
    title: Loose = None
    seller_sku: Loose = None
    price: Loose = None


class Item(msgspec.Struct, rename="camel"):
    order_item_id: Loose = None
    quantity_ordered: Loose = None
    product: Loose = None
    proceeds: Loose = None


class Alias(msgspec.Struct, rename="camel"):
    alias_id: Loose = None
    alias_type: Loose = None


class Associated(msgspec.Struct, rename="camel"):
    order_id: Loose = None
    association_type: Loose = None


class OrderPayload(msgspec.Struct, rename="camel"):
    order_id: Loose = None
    order_aliases: Loose = None
    created_time: Loose = None
    last_updated_time: Loose = None
    programs: Loose = None
    associated_orders: Loose = None
    sales_channel: Loose = None
    proceeds: Loose = None
    fulfillment: Loose = None
    order_items: Loose = None
    packages: Loose = None


class InventoryDetails(msgspec.Struct, rename="camel"):
    fulfillable_quantity: Loose = None


class Summary(msgspec.Struct, rename="camel"):
    """One of `inventorySummaries`."""

    asin: Loose = None
    fn_sku: Loose = None
    seller_sku: Loose = None
    inventory_details: Loose = None
    last_updated_time: Loose = None
    product_name: Loose = None
    total_quantity: Loose = None


class Amount(msgspec.Struct, rename="camel", gc=False):
    """Of the Finances API: a JSON number."""

    currency_code: Loose = None
    currency_amount: Loose = None


class Related(msgspec.Struct, rename="camel", gc=False):
    related_identifier_name: Loose = None
    related_identifier_value: Loose = None


class ItemRelated(msgspec.Struct, rename="camel", gc=False):
    item_related_identifier_name: Loose = None
    item_related_identifier_value: Loose = None


class Breakdown(msgspec.Struct, rename="camel", gc=False):
    breakdown_type: Loose = None
    breakdown_amount: One[Amount] = None
    breakdowns: Many[Breakdown] = None


class ProductContext(msgspec.Struct, rename="camel", gc=False):
    sku: Loose = None
    quantity_shipped: Loose = None


class TransactionItem(msgspec.Struct, rename="camel", gc=False):
    related_identifiers: Many[ItemRelated] = None
    breakdowns: Many[Breakdown] = None
    contexts: Many[ProductContext] = None


class MarketplaceDetails(msgspec.Struct, rename="camel", gc=False):
    marketplace_id: Loose = None


class Transaction(msgspec.Struct, rename="camel", gc=False):
    transaction_id: Loose = None
    transaction_type: Loose = None
    description: Loose = None
    posted_date: Loose = None
    total_amount: One[Amount] = None
    related_identifiers: Many[Related] = None
    marketplace_details: One[MarketplaceDetails] = None
    items: Many[TransactionItem] = None
    breakdowns: Many[Breakdown] = None


def read(kind: type[_S], row: object) -> _S:
    """`row` as `kind`, unknown fields left out. Raises `BadValue` when it is not an object."""
    if not isinstance(row, dict):
        raise BadValue("the row is not an object")
    try:
        return msgspec.convert(row, kind)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise BadValue(f"the row cannot be read: {wrong}") from None


def child(kind: type[_S], value: object) -> _S:
    """An object inside a payload; an empty one where there is none."""
    if type(value) is kind:
        return value
    return read(kind, value) if isinstance(value, dict) else kind()


def children(kind: type[_S], value: object) -> list[_S]:
    """The objects of a list inside a payload, in order; things that are not objects are passed over."""
    if not isinstance(value, list):
        return []
    return [
        row if type(row) is kind else read(kind, row) for row in value if type(row) is kind or isinstance(row, dict)
    ]
